// Package sysfs reads files in which the drivers of Linux show values, once or again and
// again, and parses where these files are.
package sysfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/powertest/energy"
)

// File is a file of sysfs that is kept open and read again and again: each read makes its
// driver say it anew. It is read by one goroutine at a time.
type File struct {
	f   *os.File
	buf []byte
}

// OpenFile opens a file of at most so many bytes. Errors are those of os.Open.
func OpenFile(path string, most int) (*File, error) {
	f, err := inputfile.Open(path)
	if err != nil {
		return nil, err
	}
	return &File{f: f, buf: make([]byte, most+1)}, nil
}

// Errors of reading a file that there is.
var (
	errReset   = fmt.Errorf("%w: the driver refuses to say, as while the device is in reset or suspended", energy.ErrNoAnswer)
	errGone    = fmt.Errorf("%w: its driver no longer has it", energy.ErrDeviceLost)
	errLong    = fmt.Errorf("%w: the file is longer than any that is known", energy.ErrNoAnswer)
	errNumber  = fmt.Errorf("%w: the file has no number", energy.ErrNoAnswer)
	errRefused = fmt.Errorf("%w: the driver has no value now", energy.ErrNoAnswer)
)

// Bytes reads all of the file, from its start. They are valid until the next read. It
// allocates nothing, but for an error that is none of those above.
func (f *File) Bytes() ([]byte, error) {
	n, err := f.f.ReadAt(f.buf, 0) // goes on until the end
	switch err {
	case nil:
		return nil, errLong
	case io.EOF:
		return f.buf[:n], nil
	}
	return nil, failure(err)
}

// failure returns what an error of reading means. EPERM is none of permission: that is
// checked when a file is opened.
func failure(err error) error {
	for _, k := range []struct {
		is    syscall.Errno
		means error
	}{
		{syscall.ENODEV, errGone}, {syscall.ENXIO, errGone}, {syscall.ENOENT, errGone},
		{syscall.EPERM, errReset},
		{syscall.EAGAIN, errRefused}, {syscall.EBUSY, errRefused}, {syscall.EINVAL, errRefused}, {syscall.ENODATA, errRefused},
		{syscall.EIO, errRefused}, {syscall.ETIMEDOUT, errRefused}, {syscall.EOPNOTSUPP, errRefused},
	} {
		if errors.Is(err, k.is) {
			return k.means
		}
	}
	return err
}

// Number reads a file that has one whole number, not negative, as sysfs writes it.
func (f *File) Number() (uint64, error) {
	text, err := f.Bytes()
	if err != nil {
		return 0, err
	}
	n, ok := ParseNumber(text)
	if !ok {
		return 0, errNumber
	}
	return n, nil
}

// ParseNumber parses digits, after which a line may end. It allocates nothing.
func ParseNumber(text []byte) (n uint64, ok bool) {
	if k := len(text); k > 0 && text[k-1] == '\n' {
		text = text[:k-1]
	}
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		d := uint64(c - '0')
		if c < '0' || c > '9' || n > (1<<64-1-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, true
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// digits is how long a number of sysfs may be.
const digits = 24

// OpenNumber opens a file for [File.Number].
func OpenNumber(path string) (*File, error) { return OpenFile(path, digits) }

// Number returns the number that a file has now. Errors are those of [OpenNumber] and
// [File.Number].
func Number(path string) (uint64, error) {
	f, err := OpenNumber(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := f.Number()
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return n, nil
}

// Watts returns the watts of a file that has microwatts; 0 if there are none that a
// device can have.
func Watts(path string) float64 {
	const most = 20_000e6
	n, err := Number(path)
	if err != nil || n > most {
		return 0
	}
	return float64(n) / 1e6
}
