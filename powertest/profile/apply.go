package profile

import (
	"errors"
	"fmt"

	"github.com/joulebench/joulebench/powertest/energy"
)

// ErrOther says that a profile is of other devices than those that are measured, or of the
// same by another driver, other firmware or another kind of reading.
var ErrOther = errors.New("it is of another")

// Calibrate makes a recorder measure by the profile: call it before the first window is
// opened. All of its devices must be in the profile. The error wraps [ErrOther] and
// [energy.ErrMalformed], and the recorder then stays as it was.
func (p *Profile) Calibrate(rec *energy.Recorder) error {
	var list []*energy.Calibration
	for _, d := range rec.Devices() {
		of := p.find(d.UUID)
		if err := of.fits(d); err != nil {
			return unusableError{fmt.Errorf("profile %q is not that of %s: %w", p.path, named(d), err)}
		}
		list = append(list, of.calibration(p.id))
	}
	return rec.Calibrate(list)
}

// named is how messages name a device. What a page or a log calls it may be anything.
func named(d energy.Device) string {
	if d.Name == "" {
		return fmt.Sprintf("%q", d.UUID)
	}
	return fmt.Sprintf("%q (%q)", d.UUID, d.Name)
}

// again says what to do about a profile of something else.
const again = "make another with powertest doctor -load COMMAND -profile FILE, or set POWERTEST_PROFILE=off"

// unusableError is an error of a profile that somebody has named, which is malformed then,
// whatever the file is.
type unusableError struct{ error }

func (e unusableError) Unwrap() error { return e.error }

func (unusableError) Is(target error) bool { return target == energy.ErrMalformed }

// fits returns an error that wraps [ErrOther] unless the device is what was measured. What
// one of the two does not know is not compared.
func (d *Device) fits(is energy.Device) error {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	switch {
	case d == nil:
		return fmt.Errorf("%w UUID\n%s", ErrOther, again)
	case differ(d.Name, is.Name):
		return fmt.Errorf("%w model, %q, and this is %q\n%s", ErrOther, d.Name, is.Name, again)
	case differ(d.Driver, is.Driver):
		return fmt.Errorf("%w driver, %q, and this is %q\n%s", ErrOther, d.Driver, is.Driver, again)
	case differ(d.VBIOS, is.VBIOS):
		return fmt.Errorf("%w VBIOS, %q, and this is %q\n%s", ErrOther, d.VBIOS, is.VBIOS, again)
	case d.Method != is.Method:
		return fmt.Errorf("%w reading, its %v, and what is measured is a %v\n%s", ErrOther, d.Method, is.Method, again)
	case d.timed() && differ(d.Metric, is.Metric):
		return fmt.Errorf("%w reading, %q, and this is %q\n%s", ErrOther, d.Metric, is.Metric, again)
	}
	return nil
}

// timed reports whether what is known of the device is about when its values are read, which
// is another thing by another way to read them, and not only about the values.
func (d *Device) timed() bool {
	return d.Delay != nil && *d.Delay > 0 || d.Share != nil && *d.Share < 1
}

// Apply makes a recorder measure by the profile that a value of POWERTEST_PROFILE names, as
// [Open] takes it, if there is one. One that was named and cannot be used is an error, as of
// [Open] and [Profile.Calibrate]. One that nobody named keeps nobody from measuring: unused
// says why it is not used, if it is of one of these devices or cannot be read.
func Apply(value string, rec *energy.Recorder) (unused, err error) {
	p, err := Open(value)
	if err != nil && value == "" {
		return err, nil
	}
	if p == nil || err != nil {
		return nil, err
	}
	err = p.Calibrate(rec)
	switch {
	case err == nil || !p.byDefault:
		return nil, err
	case p.knows(rec.Devices()):
		return err, nil
	}
	return nil, nil
}

// knows reports whether one of the devices is in the profile.
func (p *Profile) knows(devices []energy.Device) bool {
	for _, d := range devices {
		if p.find(d.UUID) != nil {
			return true
		}
	}
	return false
}
