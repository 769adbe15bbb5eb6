package gift

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Verdict is what is said of an answer at once.
type Verdict struct {
	Right bool
	Says  []string // of what was chosen, then in general
}

// Asked tells whether a machine can say whether an answer is right.
func (q Question) Asked() bool { return q.Kind != Text && q.Kind != Open }

// slack is what binary numbers may miss of a decimal bound.
const slack = 1e-12

// Judge looks at an answer: the number of an option from 0, or several; a text; of pairs, for
// each in their order, what was chosen. ok is false where it is no answer to this question.
func (q Question) Judge(answer []string) (v Verdict, ok bool) {
	score := 0.0
	chosen := func(o Option) {
		score += o.Weight
		if o.Says != "" {
			v.Says = append(v.Says, o.Says)
		}
	}
	switch q.Kind {
	case Truth, One, Several:
		picked := map[int]bool{}
		for _, a := range answer {
			i, err := strconv.Atoi(a)
			if err != nil || i < 0 || i >= len(q.Options) || picked[i] || q.Kind != Several && len(picked) > 0 {
				return v, false
			}
			picked[i] = true
			chosen(q.Options[i])
		}
		if len(picked) == 0 {
			return v, false
		}
	case Short:
		if len(answer) != 1 || strings.TrimSpace(answer[0]) == "" {
			return v, false
		}
		if i := slices.IndexFunc(q.Options, func(o Option) bool { return fits(o.Text, answer[0]) }); i >= 0 {
			chosen(q.Options[i])
		}
	case Number:
		if len(answer) != 1 {
			return v, false
		}
		x, is := number(answer[0])
		if !is {
			return v, false
		}
		if i := slices.IndexFunc(q.Options, func(o Option) bool {
			return o.Anybody || x >= o.Lo-slack*math.Abs(o.Lo) && x <= o.Hi+slack*math.Abs(o.Hi)
		}); i >= 0 {
			chosen(q.Options[i])
		}
	case Match:
		lefts := q.Lefts()
		if len(answer) != len(lefts) {
			return v, false
		}
		score = 100
		for i, p := range lefts {
			if !slices.Contains(q.Rights(), answer[i]) {
				return v, false
			}
			if answer[i] != p.Right {
				score = 0
			}
		}
	default:
		return v, false
	}
	if v.Right = score >= nearly; q.General != "" {
		v.Says = append(v.Says, q.General)
	}
	return v, true
}

// Lefts are the pairs that ask for something.
func (q Question) Lefts() (out []Pair) {
	for _, p := range q.Pairs {
		if p.Left != "" {
			out = append(out, p)
		}
	}
	return out
}

// Rights are what may be chosen for each pair, in an order that tells nothing.
func (q Question) Rights() (out []string) {
	for _, p := range q.Pairs {
		out = append(out, p.Right)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fits compares a typed text with a pattern in which * is anything. Capitals and doubled spaces
// make no difference; accents do.
func fits(pattern, typed string) bool {
	bare := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	parts, rest := strings.Split(bare(pattern), "*"), bare(typed)
	if len(parts) == 1 {
		return parts[0] == rest
	}
	rest, ok := strings.CutPrefix(rest, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
