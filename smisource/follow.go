package smisource

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"

	"github.com/joulebench/joulebench/internal/inputfile"
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
	offset int64       // in its text
	text   decoder
	rest   []byte // a line that has no end yet
	// skip says that the rest of the line is of no interest: it was taken
	// already, or is too long.
	skip bool
	buf  []byte
	// zipped says that the file is compressed.
	zipped bool
}

// openRegular opens a file, and nothing else.
func openRegular(path string) (*os.File, os.FileInfo, error) {
	file, err := inputfile.Open(path)
	if errors.Is(err, inputfile.ErrNotRegular) {
		return nil, nil, inputfile.ErrNotRegular // whoever asks knows the path
	}
	if err != nil {
		return nil, nil, err
	}
	what, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, what, nil
}

// read takes what the file has got since the last call to the log, unless ctx ends.
func (f *follower) read(ctx context.Context, l *log) error {
	file, now, err := openRegular(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	before := f.file
	if f.file = now; before != nil && (!os.SameFile(before, now) || now.Size() < f.offset) {
		f.restart(l)
	}
	if f.buf == nil {
		f.buf = make([]byte, chunk)
	}
	if f.zipped && before != nil && (now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime())) {
		f.restart(l) // it can't be read on
	}
	if f.offset == 0 {
		n, err := file.ReadAt(f.buf[:2], 0)
		if f.zipped = n == 2 && f.buf[0] == 0x1f && f.buf[1] == 0x8b; !f.zipped && err != nil && err != io.EOF {
			return err
		}
	}
	if f.zipped {
		if f.offset > 0 {
			return nil
		}
		return f.unzip(ctx, file, l)
	}
	return f.drain(ctx, l, io.NewSectionReader(file, f.offset, 1<<62))
}

// restart prepares for reading the file from its start.
func (f *follower) restart(l *log) {
	f.offset, f.rest, f.skip, f.text = 0, nil, false, decoder{}
	l.reopen()
}

// unzip reads a file that gzip has compressed.
func (f *follower) unzip(ctx context.Context, file io.Reader, l *log) error {
	text, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	return f.drain(ctx, l, io.LimitReader(text, largestText))
}

// largestText is how much of a compressed file is read: 4 GiB are a week of eight GPUs
// at ten readings a second.
const largestText = 4 << 30

// drain takes a text to its end, or as far as it was written.
func (f *follower) drain(ctx context.Context, l *log, text io.Reader) error {
	for {
		n, err := io.ReadFull(text, f.buf)
		first := f.offset == 0
		f.offset += int64(n)
		if n > 0 {
			f.take(l, f.text.decode(f.buf[:n], first))
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			f.tail(l)
			return nil
		}
		if err == nil {
			err = ctx.Err()
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
			l.line(trimRight(narrow(line)), true)
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
	if len(f.rest) > 0 && !f.skip && l.line(narrow(bytes.Clone(f.rest)), false) {
		f.rest, f.skip = f.rest[:0], true
	}
}

// narrow returns a line of UTF-16 as one of bytes, where PowerShell has added it to a file
// that another shell had begun: every other byte of it is 0. It is narrowed in place.
func narrow(line []byte) []byte {
	if bytes.IndexByte(line, 0) < 0 {
		return line
	}
	text := bytes.TrimPrefix(line, []byte{0}) // the other half of the end of the line before
	for i := 1; i < len(text); i += 2 {
		if text[i] != 0 {
			return line
		}
	}
	n := 0
	for i := 0; i < len(text); i += 2 {
		text[n] = text[i]
		n++
	}
	return text[:n]
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
