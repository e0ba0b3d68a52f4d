export default async function stopKubernetes(): Promise<void> {
  await globalThis.stopKubernetes?.();
}
