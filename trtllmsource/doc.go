// Package trtllmsource reads what trtllm-serve, the server of TensorRT-LLM, says its GPUs
// have used: /energy_metrics. Importing it registers the source:
//
//	POWERTEST_SOURCE=trtllm=http://gpu-node-01:8000
//
// It is for a server whose host nothing else can be read of. The answer is one number, the
// sum of the GPUs' counters: which GPUs these are, and how many, it does not say. So there
// is one device for each server, and neither single GPUs nor their model. Where the host's
// GPUs can be read by package dcgmsource or promsource, each has a number of its own. Join no
// source with it that measures the same GPUs: a sum has no identity by which that is seen, and
// they would count twice.
//
// The counters are NVML's, read at each request, in joules with four decimals. They change
// once in 20 to 100 ms, each at its own time, so that the sum changes more often. The time
// in the answer is that of another clock, and not used.
//
// Credentials are given in the address, in [HTTP], or in the environment, as those of
// package dcgmsource are. It was written from TensorRT-LLM's sources (2026-11), and run
// against a fake, never against a trtllm-serve.
package trtllmsource
