// Package nvmltest builds a libnvidia-ml.so.1 with GPUs that are made up, for
// tests of programs that read real ones through NVML. Tests load it the way
// the real library is loaded, so nothing between the test and the C functions
// is replaced. It is not for anything but tests: its counters measure nothing.
//
// A process can use one NVML library only, so a test usually runs its subject in
// a process of its own, with the directory that [Build] returns in
// LD_LIBRARY_PATH. The environment says what GPUs there are:
//
//	FAKE_NVML_GPUS       number of GPUs (1)
//	FAKE_NVML_WATTS      constant power of each: "700" or "700,300" (400)
//	FAKE_NVML_LIMIT_W    enforced power limit of each, likewise (700)
//	FAKE_NVML_TICK_MS    refresh period of the energy counter (100)
//	FAKE_NVML_BASE_MJ    what is added to the counter, in millijoules (0)
//	FAKE_NVML_MODEL      names, separated by commas (NVIDIA H200)
//	FAKE_NVML_MIG        MIG instances of each, likewise; "-" is MIG mode off (-)
//	FAKE_NVML_PROCESSES  compute processes on every GPU: "4711,4712" (none)
//	FAKE_NVML_CELSIUS    temperature (45)
//	FAKE_NVML_PERSISTENCE  persistence mode of every GPU: 0 or 1 (1)
//	FAKE_NVML_MODULE_W   power of the module with a CPU that each is in, likewise; 0 is none (0)
//	FAKE_NVML_MODULE_LIMIT_W  power limit of each module, likewise (1000)
//	FAKE_NVML_COUNTS_MODULE  1: the counter, field 83, is that of the module (0)
//	FAKE_NVML_SCOPES     0: fields have no scopes, as of an old driver (1)
//	FAKE_NVML_FAULTS     what goes wrong, see below (nothing)
//	FAKE_NVML_CONTROL    a file whose text is added to the faults; it is read again
//	                     at every call, so that things go wrong at a given time
//
// A GPU i has the UUID that [UUID] returns, and the PCI address of bus 0x17+i;
// its MIG instances have the UUIDs that [Instance] returns. Its energy counter is
// base + watts × the time of CLOCK_MONOTONIC, and changes at every multiple of
// the tick, so that the true energy between two times is known exactly.
//
// Faults are separated by blanks, each KEY=VALUE or KEY@GPU=VALUE. A key is the
// name of a function without its version ("nvmlDeviceGetUUID"), the number of a
// field ("83"), "reset", or "*" for every function that takes a device. A value
// is the number of an NVML error to return ("15"), "hang" to not return until
// the fault is gone, "sleep:MS" to return late, or "value:N" to return N in the
// place of the true value, where that is a number, or "ignore" to leave a field
// as the caller passed it. "reset=1" starts the energy counter again at 0, and
// "jump=N" adds N millijoules to it.
package nvmltest

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed testdata/nvml.c
var source []byte

// libraryName is the name that the real library has.
const libraryName = "libnvidia-ml.so.1"

// Build compiles the library, once in a process, and returns a directory that holds
// it, which lasts as long as the test. The library lacks the symbols that are named,
// such as nvmlDeviceGetFieldValues, as an old driver does. Without a C compiler the
// test is skipped, or fails if the environment variable CI is set.
func Build(t testing.TB, without ...string) string {
	t.Helper()
	if _, err := findCompiler(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("nvmltest: no C compiler, and CI is set: %v", err)
		}
		t.Skipf("nvmltest: this test needs a C compiler: install gcc, or set CC: %v", err)
	}
	library, err := compiled()
	if err != nil {
		t.Fatalf("nvmltest: %v", err)
	}
	for _, symbol := range without {
		library = withoutSymbol(library, symbol)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, libraryName), library, 0o755); err != nil {
		t.Fatalf("nvmltest: %v", err)
	}
	return dir
}

// withoutSymbol returns a library that has a symbol of another name in its place. Its
// hash table still leads to it, where the linker finds that the name is not the one
// it wants.
func withoutSymbol(library []byte, symbol string) []byte {
	name := []byte("\x00" + symbol + "\x00")
	other := bytes.Clone(name)
	other[1] = '-'
	return bytes.ReplaceAll(library, name, other)
}

// compiled returns the library with all its symbols. Calls inside it are bound to
// itself, whatever becomes of its symbols.
var compiled = sync.OnceValues(func() ([]byte, error) {
	compiler, err := findCompiler()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nvmltest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	src, library := filepath.Join(dir, "nvml.c"), filepath.Join(dir, libraryName)
	if err := os.WriteFile(src, source, 0o644); err != nil {
		return nil, err
	}
	args := []string{"-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-pthread", "-s", "-Wl,-Bsymbolic", "-Wl,-soname," + libraryName, "-o", library, src}
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", compiler, err, out)
	}
	return os.ReadFile(library)
})

func findCompiler() (string, error) {
	var errs []error
	for _, name := range []string{os.Getenv("CC"), "cc", "gcc", "clang"} {
		if name == "" {
			continue
		}
		path, err := exec.LookPath(name)
		if err == nil {
			return path, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// UUID returns the UUID of a GPU of the library.
func UUID(gpu int) string {
	return fmt.Sprintf("GPU-%08x-0000-4000-8000-000000000000", 0xa0000000+gpu)
}

// Instance returns the UUID of a MIG instance of the library.
func Instance(gpu, instance int) string {
	return fmt.Sprintf("MIG-%08x-0000-4000-8000-%012d", 0xb0000000+gpu, instance)
}
