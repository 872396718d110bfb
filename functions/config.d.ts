/** anyhub.yml as it was checked when the function was packaged: deploy/esbuild/plugins.cjs puts it in place. */
declare module 'anyhub:config' {
  const config: import('../core/index.ts').Config
  export default config
}
