"""Trees of source text: what stands where, without knowing any checklist or protocol.

trees      incremental tree-sitter trees of TypeScript and JavaScript, with code-point offsets at the surface
comments   task comments (`// @backend_dev: …`) in any comment syntax
symbols    the function, method or class around an offset
"""
