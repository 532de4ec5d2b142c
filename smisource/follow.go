package smisource

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// chunk is how much is read at a time, and longest the longest line that is
// parsed.
const (
	chunk   = 64 << 10
	longest = 1 << 20
)

// follower reads a file that may grow, be cut short or be replaced.
type follower struct {
	path   string
	file   os.FileInfo // as it was read last; nil before
	offset int64
	text   decoder
	rest   []byte // a line that has no end yet
	// skip says that the rest of the line is of no interest: it was taken
	// already, or is too long.
	skip bool
	buf  []byte
}

// read takes what the file has got since the last call to the log.
func (f *follower) read(l *log) error {
	// Opening a pipe would wait for its writer.
	if what, err := os.Stat(f.path); err != nil {
		return err
	} else if !what.Mode().IsRegular() {
		return errors.New("it is a folder or a pipe, not a file")
	}
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	now, err := file.Stat()
	if err != nil {
		return err
	}
	if f.file != nil && (!os.SameFile(f.file, now) || now.Size() < f.offset) {
		f.offset, f.rest, f.skip, f.text = 0, nil, false, decoder{}
		l.reopen()
	}
	f.file = now
	if f.buf == nil {
		f.buf = make([]byte, chunk)
	}
	for {
		n, err := file.ReadAt(f.buf, f.offset)
		first := f.offset == 0
		f.offset += int64(n)
		if n > 0 {
			f.take(l, f.text.decode(f.buf[:n], first))
		}
		if err == io.EOF {
			f.tail(l)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take hands the lines of a text to the log, and keeps what has no end.
func (f *follower) take(l *log, b []byte) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		line := b[:i]
		if len(f.rest) > 0 {
			f.rest = append(f.rest, line...)
			line = f.rest
		}
		if !f.skip {
			l.line(trimRight(line), true)
		}
		f.rest, f.skip, b = f.rest[:0], false, b[i+1:]
	}
	if f.skip {
		return
	}
	if f.rest = append(f.rest, b...); len(f.rest) > longest {
		l.line(f.rest[:longest], true)
		f.rest, f.skip = f.rest[:0], true
	}
}

// tail takes the last line, which may be cut in the middle, if what it says is
// certain. Otherwise it is parsed again when it has grown.
func (f *follower) tail(l *log) {
	if len(f.rest) > 0 && !f.skip && l.line(bytes.Clone(f.rest), false) {
		f.rest, f.skip = f.rest[:0], true
	}
}

// decoder turns what a file holds into a text of bytes: it drops a byte-order
// mark, and of UTF-16, as PowerShell writes files, what is not ASCII.
type decoder struct {
	wide bool
	big  bool // the high byte comes first
	half []byte
	odd  byte
	kept bool // odd holds the first half of a character
}

func (d *decoder) decode(b []byte, first bool) []byte {
	if first {
		switch {
		case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
			b = b[3:]
		case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
			d.wide, b = true, b[2:]
		case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
			d.wide, d.big, b = true, true, b[2:]
		case len(b) > 3 && b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0:
			d.wide = true
		}
	}
	if !d.wide {
		return b
	}
	d.half = d.half[:0]
	for _, c := range b {
		if !d.kept {
			d.odd, d.kept = c, true
			continue
		}
		d.kept = false
		low, high := d.odd, c
		if d.big {
			low, high = high, low
		}
		if high != 0 || low > 0x7e {
			low = '?'
		}
		d.half = append(d.half, low)
	}
	return d.half
}
