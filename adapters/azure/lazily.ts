/** Builds a value when it is first asked for: a cold start does not wait for what its event may never need. */
export function lazily<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined
  return () => {
    built ??= { value: build() }
    return built.value
  }
}
