// What the runner provides inside workerd, as far as the laws need it.
declare module "cloudflare:test" {
  export const env: Readonly<Record<string, unknown>>;
}
