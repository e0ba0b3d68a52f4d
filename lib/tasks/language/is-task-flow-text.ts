/**
 * Whether a text is that of a task flow, or its JSON form, judging by how it begins and by its arrows; for texts without a file
 * name that says so.
 */
export function isTaskFlowText(text: string): boolean {
  const start = text.replace(/^\ufeff?(?:\s+|#[^\n]*(?:\n|$))*/, '');
  if (/^\{\s*"/.test(start)) return /"statements"\s*:\s*\[/.test(start) && !/"dag"\s*:/.test(start);
  if (/^@(?:flow|task|finally)\b/.test(start)) return true;
  return /→|->/.test(start) && !/^(?:dag|jobId|apiVersion|kind|runtime|tests)\s*:/m.test(start);
}

/** Whether the text is the JSON form of a task flow: a subflow in braces never begins with a quote. */
export function isJsonForm(text: string): boolean {
  return /^\ufeff?\s*\{\s*"/.test(text);
}
