// Package auto is the source that is measured where none is named: the NVIDIA GPUs of this
// machine if there are any, and else its CPUs if they may be read. It knows those sources by
// name, and imports neither: a program that measures links them in.
package auto

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Name is the name of the source, which is registered by importing the package.
const Name = "auto"

// GPUs and CPUs are the names of the sources that are tried, in that order.
const (
	GPUs = "nvml"
	CPUs = "rapl"
)

func init() { energy.Register(Name, open) }

// open opens the first source that there is. Where there are GPUs which cannot be read, the
// CPUs are not measured in their place. The error is of all sources that were tried.
func open(arg string, devices []string) (energy.Source, error) {
	if arg != "" {
		return nil, fmt.Errorf("%s: %w: it takes nothing after its name", Name, energy.ErrMalformed)
	}
	var tried nothing
	for _, name := range []string{GPUs, CPUs} {
		if !slices.Contains(energy.Registered(), name) {
			continue
		}
		src, err := energy.Open(name, "", devices)
		if err == nil {
			return src, nil
		}
		if name == GPUs && (!Absent(err) || hasGPUs(err)) {
			return nil, err
		}
		tried = append(tried, err)
	}
	if len(tried) == 0 {
		return nil, fmt.Errorf("%w: neither %s nor %s is linked into this binary", energy.ErrUnknownSource, GPUs, CPUs)
	}
	return nil, tried
}

// hasGPUs reports whether there are GPUs although an error says that there is no such device:
// others than those that were selected, or hidden ones.
func hasGPUs(err error) bool {
	if !errors.Is(err, energy.ErrNoDevice) {
		return false
	}
	src, err := energy.Open(GPUs, "", []string{"all"})
	if err != nil {
		return false
	}
	_ = src.Close()
	return true
}

// Absent reports whether the error of opening a source says that there is nothing to measure
// here (no device, no driver's library, no support in this build), rather than that something
// keeps us from it.
func Absent(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, energy.ErrNoDevice) || errors.Is(err, fs.ErrNotExist)
}

// nothing is why each source that was tried cannot be opened.
type nothing []error

// Error says all causes in the first line, and below what to do about one: that of the CPUs
// if they are there and only hidden or forbidden, else that of the GPUs.
func (n nothing) Error() string {
	causes, advice := make([]string, len(n)), ""
	for i, err := range n {
		cause, rest, found := strings.Cut(err.Error(), "\n")
		there := errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
		if causes[i] = cause; found && (advice == "" || there) {
			advice = "\n" + rest
		}
	}
	return strings.Join(causes, "; ") + advice
}

// Is reports whether an error is that of any source: but that no device is selected is so
// only if the first says it, since selectors may be of GPUs that this machine does not have.
func (n nothing) Is(target error) bool {
	for i, err := range n {
		if errors.Is(err, target) && (i == 0 || target != energy.ErrNoDevice) {
			return true
		}
	}
	return false
}
