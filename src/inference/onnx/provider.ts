/** Where a graph runs, by the names of ONNX Runtime; what a machine has depends on its build of onnxruntime-node. */
export const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'webgpu', 'coreml', 'dml'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];
