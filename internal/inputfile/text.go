package inputfile

import (
	"bufio"
	"compress/gzip"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Text returns the text of a file as UTF-8 without a byte-order mark, of which size bytes can
// be peeked at: PowerShell writes UTF-16, and k6 compresses what it writes to a name that
// ends in .gz. How much is read is up to the caller. The error says that what begins as gzip
// is none.
func Text(file io.Reader, size int) (*bufio.Reader, error) {
	r := bufio.NewReader(file)
	if magic, _ := r.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = bufio.NewReader(z)
	}
	return bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), size), nil
}
