// Package plot draws what was measured: power over time with its windows and phases, the
// samples of two builds, and how tokens per joule depend on concurrency.
//
// [Read] recognises files by what is in them, and OfReport, OfGate and their kin take
// values in memory. Either makes a [Section]: figures, tables of the same numbers, and
// the reasons for which a number is withheld. A [Page] of sections is written as one HTML
// file that loads nothing from elsewhere, or as SVG and PNG files:
//
//	page := plot.Read(ctx, plot.Options{}, "trace.json", "new.txt")
//	err := page.WriteFile("report.html")
//
// A [Figure] is what is to be seen, apart from how it is drawn: numbers in base units and
// times from 0. What is absent in it is not a number (NaN), and is drawn as a gap.
//
// The package is no dashboard: it draws what is over.
package plot
