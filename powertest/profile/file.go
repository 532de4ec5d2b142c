package profile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A file of a profile is no longer than this, and of no more devices.
const (
	maxBytes   = 4 << 20
	maxDevices = 4096
)

// idDigits is how many digits of a SHA-256 identify a profile.
const idDigits = 12

// Read reads a profile from a file. The error wraps [energy.ErrMalformed] if it is none, and
// that of the file system if it cannot be read.
func Read(path string) (*Profile, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", path, err)
	}
	p, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", path, err)
	}
	p.path = path
	return p, nil
}

// readFile reads a file that is regular, and not too long.
func readFile(path string) ([]byte, error) {
	text, err := inputfile.ReadFile(path, maxBytes)
	switch {
	case errors.Is(err, inputfile.ErrNotRegular):
		return nil, fmt.Errorf("%w: it is not a regular file", energy.ErrMalformed)
	case errors.Is(err, inputfile.ErrTooLarge):
		return nil, fmt.Errorf("%w: it is longer than %d MB", energy.ErrMalformed, maxBytes>>20)
	case err != nil:
		return nil, withoutPath(err)
	}
	return text, nil
}

// withoutPath is an error of the file system without the path that the message has already.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// Parse reads a profile from its JSON. The error wraps [energy.ErrMalformed].
func Parse(text []byte) (*Profile, error) {
	p := &Profile{}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("%w: %w", energy.ErrMalformed, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows the profile", energy.ErrMalformed)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	p.id = hex.EncodeToString(sum[:])[:idDigits]
	return p, nil
}

// check returns an error that wraps [energy.ErrMalformed] if what is there cannot be a profile.
func (p *Profile) check() error {
	switch {
	case p.SchemaVersion != SchemaVersion:
		return fmt.Errorf("%w: its schema_version is %d, and this program reads %d", energy.ErrMalformed, p.SchemaVersion, SchemaVersion)
	case len(p.Devices) == 0:
		return fmt.Errorf("%w: it has no devices", energy.ErrMalformed)
	case len(p.Devices) > maxDevices:
		return fmt.Errorf("%w: it has %d devices", energy.ErrMalformed, len(p.Devices))
	}
	known := map[string]bool{}
	for i := range p.Devices {
		d := &p.Devices[i]
		switch {
		case d.UUID == "":
			return fmt.Errorf("%w: device %d has no uuid", energy.ErrMalformed, i)
		case known[d.UUID]:
			return fmt.Errorf("%w: device %q is there twice", energy.ErrMalformed, d.UUID)
		case d.Method != energy.Counter && d.Method != energy.Gauge:
			return fmt.Errorf("%w: device %q has no method", energy.ErrMalformed, d.UUID)
		case d.Meter != nil && !d.Meter.Known():
			return fmt.Errorf("%w: device %q has a meter and no gain", energy.ErrMalformed, d.UUID)
		}
		if err := d.calibration("").Check(); err != nil {
			return fmt.Errorf("device %q: %w", d.UUID, err)
		}
		known[d.UUID] = true
	}
	return nil
}

// WriteFile writes the profile as indented JSON to a file, which is there in full or not at
// all: on any error the file that was there before stays.
func (p *Profile) WriteFile(path string) error {
	if err := p.check(); err != nil {
		return err // there would be no use for it
	}
	for i := range p.Devices {
		if p.Devices[i].NotMeasured == nil {
			p.Devices[i].NotMeasured = []string{}
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(p)
	})
}

// Off is the value of POWERTEST_PROFILE that uses no profile.
const Off = "off"

// Open reads the profile that a value of POWERTEST_PROFILE names: a file, or off. If it is
// empty that is powertest/profile.json in the user's configuration directory (see
// [os.UserConfigDir]), if it is there. The profile is nil if there is none.
func Open(value string) (*Profile, error) {
	switch value {
	case Off:
		return nil, nil
	case "":
		return openDefault()
	}
	p, err := Read(value)
	if err != nil {
		return nil, unusableError{err}
	}
	return p, nil
}

func openDefault() (*Profile, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, nil // there is no such place
	}
	p, err := Read(filepath.Join(dir, "powertest", "profile.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	p.byDefault = true
	return p, nil
}

// find returns what was measured of a device by its UUID; nil if nothing was.
func (p *Profile) find(uuid string) *Device {
	i := slices.IndexFunc(p.Devices, func(d Device) bool { return d.UUID == uuid })
	if i < 0 {
		return nil
	}
	return &p.Devices[i]
}
