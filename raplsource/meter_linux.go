package raplsource

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// meter reads the counter of one device. Its file stays open: to open it for each reading
// would allocate, and cost the CPU that is measured.
type meter struct {
	counter
	fd     int
	call   func(fd int, buf []byte) (int, error)
	binary bool // the file has a number of 8 bytes, and else the digits of one
	max    uint64
	buf    [32]byte
	failed readError // the newest failure
}

// fromStart reads a file of /sys, which says anew what there is when it is read from its
// beginning.
func fromStart(fd int, buf []byte) (int, error) { return unix.Pread(fd, buf, 0) }

// readError is a failed call of the kernel. It is kept, so that to fail does not allocate.
type readError struct{ errno syscall.Errno }

func (e *readError) Error() string {
	if e.errno == unix.EINVAL {
		return "rapl: the kernel can't read the counter (EINVAL)"
	}
	return "rapl: read the counter: " + e.errno.Error()
}

func (e *readError) Unwrap() error { return e.errno }

// Is says that a device which is gone is lost: a package can be taken out while it runs.
func (e *readError) Is(target error) bool {
	return target == energy.ErrDeviceLost && (e.errno == unix.ENODEV || e.errno == unix.ENXIO)
}

var (
	errNoNumber = fmt.Errorf("rapl: %w: the counter shows no number", energy.ErrNoAnswer)
	errBeyond   = fmt.Errorf("rapl: %w: the counter shows more than its max_energy_range_uj", energy.ErrNoAnswer)
)

// read fills in the value of a reading, or its error.
func (m *meter) read(r *energy.Reading) {
	raw, err := m.value()
	r.After = time.Now()
	if err == nil {
		r.Joules, err = m.add(raw, r.Before, r.After)
	}
	if r.Err = err; err != nil {
		r.Joules = 0
		return
	}
	r.HasJoules = true
}

// value reads the raw counter, in its own steps.
func (m *meter) value() (uint64, error) {
	n, err := m.call(m.fd, m.buf[:])
	for err == unix.EINTR {
		n, err = m.call(m.fd, m.buf[:])
	}
	if err != nil {
		errno, ok := err.(syscall.Errno)
		if !ok {
			errno = unix.EIO
		}
		m.failed.errno = errno
		return 0, &m.failed
	}
	if m.binary {
		if n != 8 {
			return 0, errNoNumber
		}
		return binary.NativeEndian.Uint64(m.buf[:]), nil
	}
	uj, ok := parseCount(m.buf[:n])
	switch {
	case !ok:
		return 0, errNoNumber
	case uj > m.max:
		return 0, errBeyond
	}
	return m.steps(uj), nil
}

// parseCount parses the number of a counter. What has no line's end after it was cut off.
func parseCount(b []byte) (n uint64, ok bool) {
	if !bytes.HasSuffix(b, []byte("\n")) {
		return 0, false
	}
	return sysfs.ParseNumber(b)
}

// openZone opens the counter of a zone.
func openZone(z zone, most float64) (*meter, error) {
	maximum, err := sysfs.Number(z.dir + "/max_energy_range_uj")
	if err != nil {
		return nil, err
	}
	if maximum == 0 {
		return nil, fmt.Errorf("%s/max_energy_range_uj is 0", z.dir)
	}
	path := z.dir + "/energy_uj"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	m := &meter{counter: counter{unit: stepOf(maximum), wraps: true, most: most}, fd: fd, call: fromStart, max: maximum}
	return m, m.try()
}

// try reads the counter once, and closes it if that fails.
func (m *meter) try() error {
	if _, err := m.value(); err != nil {
		m.close()
		if err == error(&m.failed) {
			err = &readError{m.failed.errno}
		}
		return err
	}
	return nil
}

func (m *meter) close() { _ = unix.Close(m.fd) }
