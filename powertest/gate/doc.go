// Package gate decides whether the results of Go benchmarks became worse: pass,
// regression, or not to be judged.
package gate
