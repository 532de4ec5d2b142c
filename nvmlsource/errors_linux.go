//go:build cgo

package nvmlsource

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/powertest/energy"
)

// code is NVML's answer to a call, as an error. It is a type of its own because
// nvml.Return asks the driver for the text, by a symbol that a driver may lack.
// Codes below 256 become errors without allocating, so that a GPU that fails
// while it is being measured does not disturb the others.
type code nvml.Return

// Error says what the driver answered and what to do.
func (c code) Error() string {
	if text, ok := codeTexts[nvml.Return(c)]; ok {
		return text
	}
	return fmt.Sprintf("the driver answered NVML error %d", int32(c))
}

// Unwrap returns the error that the code means to the rest of the program.
func (c code) Unwrap() error {
	switch nvml.Return(c) {
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_RESET_REQUIRED:
		return energy.ErrDeviceLost
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND:
		return errors.ErrUnsupported
	case nvml.ERROR_NO_PERMISSION, nvml.ERROR_OPERATING_SYSTEM:
		return fs.ErrPermission
	case nvml.ERROR_TIMEOUT:
		return energy.ErrStalled
	case nvml.ERROR_GPU_NOT_FOUND:
		return energy.ErrNoDevice
	}
	return nil
}

var codeTexts = map[nvml.Return]string{
	nvml.ERROR_UNINITIALIZED:      "NVML is not initialised (UNINITIALIZED): the driver was unloaded while in use",
	nvml.ERROR_INVALID_ARGUMENT:   "the driver does not know what it was asked (INVALID_ARGUMENT)",
	nvml.ERROR_NOT_SUPPORTED:      "not supported by this GPU and driver (NOT_SUPPORTED)",
	nvml.ERROR_NO_PERMISSION:      "no permission (NO_PERMISSION): run as a user who may use the GPU; in a container, run with --gpus all and not inside a single MIG instance",
	nvml.ERROR_NOT_FOUND:          "the driver has no data for this (NOT_FOUND)",
	nvml.ERROR_DRIVER_NOT_LOADED:  "the NVIDIA driver is not loaded (DRIVER_NOT_LOADED): load it, for instance with nvidia-smi as root",
	nvml.ERROR_TIMEOUT:            "the driver did not answer in time (TIMEOUT)",
	nvml.ERROR_LIBRARY_NOT_FOUND:  "the library does not find the driver that belongs to it (LIBRARY_NOT_FOUND)",
	nvml.ERROR_FUNCTION_NOT_FOUND: "the driver is too old for this call (FUNCTION_NOT_FOUND)",
	nvml.ERROR_GPU_IS_LOST:        "the GPU has fallen off the bus (GPU_IS_LOST): see the Xid messages in the kernel log, and reboot",
	nvml.ERROR_RESET_REQUIRED:     "the GPU needs a reset (RESET_REQUIRED): run nvidia-smi --gpu-reset as root, or reboot",
	nvml.ERROR_OPERATING_SYSTEM:   "the operating system keeps this process from the GPU (OPERATING_SYSTEM): check the device cgroup; in a container, run with --gpus all",
	nvml.ERROR_LIB_RM_VERSION_MISMATCH: "the library and the loaded driver are of different versions (LIB_RM_VERSION_MISMATCH): " +
		"reload the driver or reboot; in a container, update the NVIDIA container toolkit's mounts",
	nvml.ERROR_IRQ_ISSUE:           "the kernel does not get interrupts from the GPU (IRQ_ISSUE)",
	nvml.ERROR_NO_DATA:             "the driver has no data yet (NO_DATA)",
	nvml.ERROR_GPU_NOT_FOUND:       "the driver found no GPU (GPU_NOT_FOUND)",
	nvml.ERROR_INVALID_STATE:       "the GPU is not in a state to answer (INVALID_STATE)",
	nvml.ERROR_UNKNOWN:             "the driver failed inside (UNKNOWN): see the kernel log",
	nvml.ERROR_MEMORY:              "the driver is out of memory (MEMORY)",
	nvml.ERROR_NOT_READY:           "the driver is not ready (NOT_READY)",
	nvml.ERROR_IN_USE:              "the GPU is in exclusive use (IN_USE)",
	nvml.ERROR_ALREADY_INITIALIZED: "NVML is initialised already (ALREADY_INITIALIZED)",
}

// unavailable reports whether the code says that there is no such value here,
// as opposed to a failure to get it.
func unavailable(c nvml.Return) bool {
	switch c {
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND, nvml.ERROR_NOT_FOUND,
		nvml.ERROR_NO_DATA, nvml.ERROR_INVALID_ARGUMENT, nvml.ERROR_DEPRECATED, nvml.ERROR_ARGUMENT_VERSION_MISMATCH:
		return true
	}
	return false
}
