package world

import "strings"

// held are the criteria that today's code keeps with some room, by cell and part.
var held = hold(map[Criteria]string{})

func hold(names map[Criteria]string) map[string]Criteria {
	held := map[string]Criteria{}
	for criterion, list := range names {
		for name := range strings.FieldsSeq(list) {
			held[name] |= criterion
		}
	}
	return held
}
