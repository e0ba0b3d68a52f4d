/** What an image can be made for. Temporal's native part exists for no other Linux. */
export const platforms = ['linux/amd64', 'linux/arm64'] as const;

export type Platform = (typeof platforms)[number];

/** Each platform in the words of Debian, of Node and npm, and of Rust. */
export const platformNames = {
  'linux/amd64': { debian: 'amd64', npm: 'x64', rust: 'x86_64-unknown-linux-gnu' },
  'linux/arm64': { debian: 'arm64', npm: 'arm64', rust: 'aarch64-unknown-linux-gnu' },
} as const satisfies Record<Platform, object>;
