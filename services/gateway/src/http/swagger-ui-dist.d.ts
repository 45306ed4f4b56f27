declare module 'swagger-ui-dist' {
  /** Directory of the distributed files. */
  export function getAbsoluteFSPath(): string;
}
