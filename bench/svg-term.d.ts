// svg-term comes without types: this declares the one function of it that is used.
declare module "svg-term" {
  export interface RenderOptions {
    readonly window?: boolean;
    readonly cursor?: boolean;
  }
  /** An SVG that plays an asciicast v2. */
  export function render(cast: string, options: RenderOptions): string;
}
