// Package smisource reads the energy of GPUs from logs that nvidia-smi and
// amd-smi wrote, complete or still being written.
package smisource
