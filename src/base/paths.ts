// Names of files: whatever the machine, their parts are joined by slashes.

/** Without the folders before it. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
