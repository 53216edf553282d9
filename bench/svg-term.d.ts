// svg-term comes without types of its own: the one function that is used of it.
declare module "svg-term" {
  export interface RenderOptions {
    readonly window?: boolean;
    readonly cursor?: boolean;
  }
  /** An SVG that plays an asciicast v2. */
  export function render(cast: string, options: RenderOptions): string;
}
