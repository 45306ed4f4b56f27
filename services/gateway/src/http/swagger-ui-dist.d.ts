// The package itself runs its pages' bundle when it is loaded, which takes a second.
declare module 'swagger-ui-dist/absolute-path' {
  /** Directory of the distributed files. */
  function absolutePath(): string;
  export = absolutePath;
}
