package aaf

import (
	"cmp"
	"encoding/xml"
	"errors"
	"hash/maphash"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// A delta says what changed since a full export: records added, replaced in some of
// their attributes, or deleted. It is read beside the full export that it changes, and
// what comes out is what a full export of that day would give.

// errDelta ends the first reading of a file that turns out to be a delta.
var errDelta = errors.New("aaf: a delta")

// patch is what deltas do to one record.
type patch struct {
	kind    kind
	id      string
	file    string
	line    int
	date    string
	deleted bool
	added   *record                // the record anew
	names   map[string]struct{}    // of the attributes of added, empty ones too
	values  map[string][]attrValue // what replaces an attribute of the record as it was
	used    bool
}

type recordKey struct {
	kind kind
	id   string
}

var dayInName = regexp.MustCompile(`_(20[0-9]{6})_`)

// dayOf is the day that the ministry writes into a file's name; "" where there is none.
// It only puts deltas in order.
func dayOf(path string) string {
	name := path[strings.LastIndexAny(path, `/\\`)+1:]
	if m := dayInName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// taken keeps an addRequest: of a full export at once, of a delta as a patch.
func (f *fileReader) taken() error {
	if f.delta {
		rec := f.rec
		rec.attrs, rec.refusals = slices.Clone(rec.attrs), slices.Clone(rec.refusals)
		for i := range rec.attrs {
			rec.attrs[i].file = f.file.Path
		}
		return f.patch(func(p *patch) {
			p.deleted, p.values, p.added, p.names = false, nil, &rec, maps.Clone(f.names)
		})
	}
	if f.r.patched(f) {
		return nil
	}
	return f.r.take(f)
}

// change reads a modifyRequest or a deleteRequest.
func (f *fileReader) change(request string) error {
	rec := &f.rec
	*rec = record{line: f.Line, attrs: rec.attrs[:0], refusals: rec.refusals[:0]}
	f.file.Records++
	step, values := 0, map[string][]attrValue{}
	for {
		tok, err := f.Element(request)
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			break
		}
		if err := f.noAttributes(start); err != nil {
			return err
		}
		switch {
		case start.Name.Local == "operationalAttributes" && step == 0:
			step, err = 1, f.category(0)
		case start.Name.Local == "identifier" && step == 1:
			step, err = 2, f.identifier(1)
		case start.Name.Local == "modifications" && step == 2 && request == "modifyRequest":
			step, err = 3, f.modifications(values)
		default:
			err = f.Unexpected(start.Name.Local, request)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case rec.category == "":
		return &intake.Stop{Line: rec.line, Reason: whyNoCategory}
	case rec.id == "" || len(rec.refusals) > 0:
		return &intake.Stop{Line: rec.line, Reason: whyNoID, Args: []any{rec.category}}
	}
	return f.patch(func(p *patch) {
		switch {
		case request == "deleteRequest":
			p.deleted, p.added, p.values = true, nil, nil
		case p.added != nil:
			rec := *p.added
			rec.attrs = replaced(rec.attrs, values)
			p.added = &rec
			for name := range values {
				p.names[name] = struct{}{}
			}
		default:
			if p.values == nil {
				p.values = map[string][]attrValue{}
			}
			for name, v := range values {
				p.values[name] = v
			}
		}
	})
}

// modifications reads what replaces attributes.
func (f *fileReader) modifications(values map[string][]attrValue) error {
	for n := 0; ; n++ {
		tok, err := f.Element("modifications")
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		if n == maxAttrs {
			return f.Stop(whyTooManyAttrs, maxAttrs)
		}
		if start.Name.Local != "modification" {
			return f.Unexpected(start.Name.Local, "modifications")
		}
		name, operation := "", ""
		for _, a := range start.Attr {
			switch {
			case a.Name.Space == "" && a.Name.Local == "name" && name == "":
				name = a.Value
			case a.Name.Space == "" && a.Name.Local == "operation" && operation == "":
				operation = a.Value
			default:
				return f.Stop(whyAttribute, intake.Shorten(a.Name.Local), "modification")
			}
		}
		switch {
		case name == "":
			return f.Stop(whyNoAttrName)
		case operation != "replace":
			return f.Stop(whyOperation, intake.Shorten(operation))
		}
		if _, twice := values[name]; twice {
			return f.Stop(whyRepeatedAttr, intake.Shorten(name))
		}
		if f.rec.kind != kindSkipped && firstDegree(name) {
			f.r.sign(FirstDegree, f.file.Path, f.Line, name)
		}
		values[name] = []attrValue{}
		if err := f.newValues(name, values); err != nil {
			return err
		}
	}
}

func (f *fileReader) newValues(name string, values map[string][]attrValue) error {
	for n := 0; ; n++ {
		tok, err := f.Element("modification")
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		if n == maxValues {
			return f.Stop(whyTooManyValues, maxValues, intake.Shorten(name))
		}
		line := f.Line
		text, err := f.value(start, name)
		if err != nil {
			return err
		}
		if !intake.Blank(text) {
			values[name] = append(values[name], attrValue{name, string(text), line, f.file.Path})
		}
	}
}

// patch writes down what a delta does to a record. Two deltas that touch one record come
// in the order of the days in their names; where those do not tell, nobody can.
func (f *fileReader) patch(do func(*patch)) error {
	rec := &f.rec
	if rec.kind == kindSkipped {
		return nil
	}
	k := recordKey{rec.kind, rec.id}
	p, day := f.r.patches[k], dayOf(f.file.Path)
	if p != nil && p.file != f.file.Path && p.date >= day {
		return &intake.Stop{Line: rec.line, Reason: whyTwoDeltas, Args: []any{intake.Shorten(rec.id), p.file, p.line}}
	}
	if p == nil {
		p = &patch{kind: rec.kind, id: rec.id}
		f.r.patches[k] = p
	}
	p.file, p.line, p.date = f.file.Path, rec.line, day
	do(p)
	return nil
}

// patched changes a record of the full export as the deltas say; true: it is no longer
// there, or there anew.
func (r *reading) patched(f *fileReader) bool {
	p := r.patches[recordKey{f.rec.kind, f.rec.id}]
	if p == nil {
		return false
	}
	p.used = true
	if p.deleted || p.added != nil {
		return true
	}
	f.rec.attrs = replaced(f.rec.attrs, p.values)
	for name := range p.values {
		f.names[name] = struct{}{}
	}
	return false
}

func replaced(attrs []attrValue, values map[string][]attrValue) []attrValue {
	attrs = slices.DeleteFunc(attrs, func(a attrValue) bool { _, ok := values[a.name]; return ok })
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		attrs = append(attrs, values[name]...)
	}
	return attrs
}

// readDeltas reads the deltas, before the full export that they change.
func (r *reading) readDeltas(list []source) error {
	slices.SortStableFunc(list, func(a, b source) int {
		return cmp.Or(strings.Compare(dayOf(a.Path), dayOf(b.Path)), strings.Compare(a.Path, b.Path))
	})
	for _, s := range list {
		r.inDelta = true
		err := r.readFile(s.File, int32(len(r.files)))
		r.inDelta = false
		if err != nil {
			return err
		}
		if r.files[len(r.files)-1].Path == "" { // it stopped, and gives nothing
			maps.DeleteFunc(r.patches, func(_ recordKey, p *patch) bool { return p.file == s.Path })
		}
	}
	return nil
}

// add takes the records that deltas brought, pupils before guardians: by then it is
// known which are wanted. A change of a record that is nowhere means that the full
// export is not the one that the delta was made from.
func (r *reading) add() error {
	var all []*patch
	for _, p := range r.patches {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *patch) int {
		return cmp.Or(cmp.Compare(order(a.kind), order(b.kind)), strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	for _, p := range all {
		switch {
		case p.added != nil:
			f := &fileReader{r: r, file: File{Path: p.file}, rec: *p.added, names: p.names}
			f.content.SetSeed(r.seed)
			for _, a := range f.rec.attrs {
				writeHash(&f.content, a)
			}
			if err := r.take(f); err != nil {
				var stopped *intake.Stop
				if !errors.As(err, &stopped) {
					return err
				}
				r.stopFile(p.file, stopped)
			}
		case !p.used && !p.deleted:
			r.stopFile(p.file, &intake.Stop{Line: p.line, Reason: whyNoBase, Args: []any{intake.Shorten(p.id)}})
			return nil
		}
	}
	return nil
}

func order(k kind) int {
	return map[kind]int{kindSchool: 0, kindStaff: 1, kindPupil: 2, kindGuardian: 3}[k]
}

func writeHash(h *maphash.Hash, a attrValue) {
	h.WriteString(a.name)
	h.WriteByte(0)
	h.WriteString(a.text)
	h.WriteByte(1)
}
