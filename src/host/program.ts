// Which build this is: a hash of its sources, put in where it is bundled. Results that another build kept are not this one's.
declare const THIMBLE_PROGRAM: string | undefined

export const program = typeof THIMBLE_PROGRAM === 'undefined' ? 'unbundled' : THIMBLE_PROGRAM
