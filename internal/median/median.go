// Package median has the middle of a list of numbers.
package median

import "slices"

// Of returns the median of numbers, which stay as they are: of an even number of them
// the mean of the middle two. It panics if there are none.
func Of[T ~float64 | ~int64](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}
