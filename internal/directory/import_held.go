package directory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What holds an import back: a second source, what it would take away, and a school that
// changed since somebody looked.

// ErrTwoSources: the school's pupils or staff come from another source already.
var ErrTwoSources = errors.New("directory: a second source")

// oneSource refuses pupils of a second source: each would be there twice, with guardians
// of two sources, and be told about twice. And staff of a second source, who would have
// two accounts.
func oneSource(in incoming, have map[string]Person) error {
	for _, kind := range []Kind{KindPupil, KindStaff} {
		if !slices.ContainsFunc(in.people, func(p inPerson) bool { return p.kind == kind }) {
			continue
		}
		others := map[string]bool{}
		for _, p := range have {
			if p.Kind == kind && p.LeftOn == "" && p.Source != in.source && p.Source != ByHand {
				others[p.Source] = true
			}
		}
		if len(others) > 0 {
			from := slices.Sorted(maps.Keys(others))
			return fmt.Errorf("%w: the %s of this school come from %s, and each would be there twice with %s: keep to %s", ErrTwoSources,
				map[Kind]string{KindPupil: "pupils", KindStaff: "staff"}[kind], strings.Join(from, ", "), in.source, from[0])
		}
	}
	return nil
}

// lossError: what comes would take away more than a tenth of what is there, or make
// guardians of as many who were none.
type lossError struct{ Loss }

func (l *lossError) Error() string {
	if l.What == LossPromoted {
		return fmt.Sprintf("of %d links %d become those of a legal representative and were not: are the files of another dialect? If it is right, come again with --accept-loss", l.Have, l.Lost)
	}
	what := map[string]string{LossPupils: "pupils", LossAdults: "guardians and other adults", LossLinks: "links between pupils and adults",
		LossLegal: "legal representatives (one for each pupil)"}[l.What]
	return fmt.Sprintf("the school has %d %s and these files keep %d of them: is a file missing? If it is right, come again with --accept-loss", l.Have, what, l.Have-l.Lost)
}

// ErrChanged: the school is no longer as it was when somebody looked at what an import
// would change.
var ErrChanged = errors.New("directory: the school changed since the difference was looked at")

// agreed tells whether whoever runs the import agreed to what it takes away, and that the
// difference is the one they saw. It gives what was accepted, for the journal.
func (im *importing) agreed(have census) (accepted string, err error) {
	o := im.order
	if seen := o.Seen; seen != nil && differ(have, im.in, im.day).Digest() != seen[im.in.school.UAI] {
		return "", ErrChanged
	}
	var all []string
	for _, l := range lossesOf(have, have.after(im.in, im.day), im.in.source, im.day) {
		if !o.AcceptLoss && !slices.Contains(o.Accepted[im.in.school.UAI], l) {
			return "", &lossError{l}
		}
		all = append(all, fmt.Sprintf("%s %d of %d", l.What, l.Lost, l.Have))
	}
	return strings.Join(all, ", "), nil
}
