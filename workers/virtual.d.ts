// What the build makes of workers/catalogue.ts; see vite.config.ts.
declare module 'virtual:catalogue' {
  export const catalogue: Omit<import('./api.ts').Catalogue, 'samples'>
}
