// Package burn puts work of a known amount on a CUDA GPU, and looks at what the GPU's
// energy counter makes of it. It has tests only, which ask for a GPU and are passed over
// without one; docs/hardware.md has what they have shown:
//
//	nvcc -O3 -arch=native -o burn burn.cu
//	go test -v -timeout 1h ./examples/burn -burn "$PWD/burn" -out "$PWD"
package burn
