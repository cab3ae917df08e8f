// Has this browser WebAssembly's 128-bit vectors? The smallest module with one in it tells.
const smallest = 'AGFzbQEAAAABBQFgAAF7AwIBAAoKAQgAQQD9D/1iCw=='

export const hasSimd = (): boolean =>
  WebAssembly.validate(Uint8Array.from(atob(smallest), character => character.charCodeAt(0)))
