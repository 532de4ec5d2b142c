//go:build slow

package world

import (
	"flag"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	cellFlag       = flag.String("cell", "", "run the cells whose names match the regular expression")
	seedFlag       = flag.Uint64("seed", 1, "seed of the trials")
	windowsFlag    = flag.Int("windows", 50, "windows of a cell")
	tableFlag      = flag.Bool("table", false, "print a Markdown table")
	recordingsFlag = flag.String("recordings", "", "directory with the recorded power of real boards")
)

// TestSlowWorld prints the table. A cell fails that does not keep what it is listed to hold.
func TestSlowWorld(t *testing.T) {
	var recordings []Recorded
	if *recordingsFlag != "" {
		var err error
		recordings, err = ReadRecordings(*recordingsFlag)
		require.NoError(t, err)
	}
	wanted, err := regexp.Compile(*cellFlag)
	require.NoError(t, err)
	if *tableFlag {
		fmt.Println(Columns)
	} else {
		t.Log(Header())
	}
	for _, c := range Cells(recordings) {
		if !wanted.MatchString(c.Name) {
			continue
		}
		begin := time.Now()
		list := c.Run(t, *seedFlag, *windowsFlag)
		for _, s := range list {
			if *tableFlag {
				fmt.Println(s.Row())
			} else {
				t.Log(s)
			}
			if lost := s.Failed() & s.Want.Held; lost != 0 {
				t.Errorf("%s no longer holds: %v", label(c.Name, s.Want.Part), lost)
			}
		}
		if !*tableFlag {
			t.Logf("%-34s took %v", c.Name, time.Since(begin).Round(10*time.Millisecond))
		}
	}
}
