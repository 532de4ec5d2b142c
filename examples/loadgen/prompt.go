package main

import (
	"math/rand/v2"
	"strings"
)

// words are what prompts are made of: most models have a token for each.
var words = strings.Fields(`the of and to in is that for it as was with be by on
not he this are or his from at which but have an had they you were there one all
we can her has been if more when will would who so no energy power time light
water house river stone wood fire north south green small great long old new`)

// wish asks for an answer that is long enough to be cut by the limit.
var wish = strings.Fields("Tell a very long story with these words.")

// prompts are the prompts of one user: no two are alike, so that a server can't
// answer from its prefix cache.
type prompts struct {
	random *rand.Rand
	length int // in words
}

// newPrompts returns the prompts of a user, a stream of its own for each of them.
func newPrompts(seed uint64, stream uint64, length int) *prompts {
	return &prompts{rand.New(rand.NewPCG(seed, stream)), length}
}

func (p *prompts) next() string {
	list := make([]string, 0, p.length)
	for range p.length {
		list = append(list, words[p.random.IntN(len(words))])
	}
	if n := p.length - len(wish); n > 0 {
		copy(list[n:], wish)
	}
	return strings.Join(list, " ")
}
