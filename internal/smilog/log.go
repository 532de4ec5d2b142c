// Package smilog says how a power log of nvidia-smi or amd-smi is read: as an argument
// of the source smi, and as flags of a command.
package smilog

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Log is a log, and how it is read. See smisource.Config.
type Log struct {
	File string
	// Offset is this machine's clock minus that of the machine that wrote the log, and
	// MaxGap how far apart its readings may be; 0 means what smisource does.
	Offset, MaxGap time.Duration
	// Zone is where time stamps without a zone are from; nil is what smisource does.
	Zone *time.Location
	// GPUs is how many GPUs a log is of that names none; 0 is not known.
	GPUs int
	// Columns says what columns hold whose names say too little, GPUName is the model
	// where the log has none, and Decimal comma or point where it does not show which.
	Columns, GPUName, Decimal string
}

// Argument is the log as an argument of the source smi: its path, and how it is read.
func (l Log) Argument() string {
	keys := []string{"offset=" + l.Offset.String()}
	add := func(key, value string) {
		if value != "" {
			keys = append(keys, key+"="+strings.ReplaceAll(url.PathEscape(value), "&", "%26"))
		}
	}
	if l.MaxGap != 0 {
		add("gap", l.MaxGap.String())
	}
	if l.Zone != nil {
		name := l.Zone.String()
		if _, err := time.LoadLocation(name); err != nil { // a fixed offset
			name = time.Now().In(l.Zone).Format("-0700")
		}
		add("tz", name)
	}
	if l.GPUs > 0 {
		add("gpus", strconv.Itoa(l.GPUs))
	}
	add("columns", l.Columns)
	add("gpu-name", l.GPUName)
	add("decimal", l.Decimal)
	return l.File + "?" + strings.Join(keys, "&")
}
