package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// unit formats a number, or says that it is unknown.
func unit(x *float64, format string) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf(format, *x)
}

func percent(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("± %.2g %%", *x)
}

func onOff(b *bool) string {
	switch {
	case b == nil:
		return "-"
	case *b:
		return "on"
	}
	return "off"
}

// took formats a time with three digits.
func took(d *time.Duration) string {
	if d == nil {
		return "-"
	}
	return digitsOf(*d, 3)
}

// digitsOf formats a time with some digits: 99.6 ms.
func digitsOf(d time.Duration, digits int) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(float64(d)/float64(u.unit), 'g', digits, 64), 64)
		if math.Abs(rounded) >= 1 {
			return strconv.FormatFloat(rounded, 'f', -1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// short formats a time as -benchtime takes it, with what matters of it.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(100 * time.Microsecond)
	}
	if s, ok := strings.CutSuffix(d.String(), "m0s"); ok {
		return s + "m"
	}
	return d.String()
}

// wrapped breaks a text into lines of at most the columns, of which all but the
// first begin with an indent.
func wrapped(text, indent string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > columns:
			b.WriteString("\n" + indent)
			width = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String() + "\n"
}
