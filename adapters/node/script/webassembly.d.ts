// WebAssembly as every Node has it; types of it come with those of browsers only. Source: WebAssembly JavaScript Interface.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
    static imports(module: Module): { module: string; name: string; kind: string }[]
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum: number })
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }

  class Global {
    value: number
  }

  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, object>>)
    readonly exports: Readonly<Record<string, ((...args: number[]) => number) | Memory | Global>>
  }

  class RuntimeError extends Error {}
}
