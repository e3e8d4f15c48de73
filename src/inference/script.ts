/**
 * A script beside a module, for a thread or a process of its own: `.ts` where the sources run as they are, `.js` where
 * they were built.
 * @param module the caller's `import.meta.url`
 */
export const scriptBeside = (module: string, name: string): URL =>
  new URL(`./${name}${module.endsWith('.ts') ? '.ts' : '.js'}`, module);
