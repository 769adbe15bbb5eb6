package siecle

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Options of ReadFiles.
type Options struct {
	English bool
	// Dialect is what a person decided of files that contradict themselves. It changes
	// nothing where the files are clear.
	Dialect Dialect
	// UAI names the school of files that do not, or not readably.
	UAI string
}

// kind is what a file is about, told by its root.
type kind int

const (
	pupilsFile kind = iota + 1
	guardiansFile
	structuresFile
	nomenclatureFile
)

func kindOf(root string) kind {
	switch strings.Replace(root, "BEE_EPHC_", "BEE_", 1) {
	case "BEE_ELEVES":
		return pupilsFile
	case "BEE_RESPONSABLES":
		return guardiansFile
	case "BEE_STRUCTURES":
		return structuresFile
	case "BEE_NOMENCLATURES":
		return nomenclatureFile
	}
	return 0
}

const (
	maxRefusals = 1_000
	maxAside    = 500 // different names that are counted
)

type reading struct {
	ctx      context.Context
	opts     Options
	out      *Export
	schools  map[string]*gathering
	refusals []intake.Refusal
	more     int
}

// gathering is a school whose files are being read.
type gathering struct {
	School
	yearOf string // file that said the year
	files  map[kind]string
}

// ReadFiles reads the files that were found. The refusals come sorted by file and line.
// An error is a failure of the machine, never of what the files say.
//
// Some decisions that the format leaves open:
//   - the same record twice counts once (the files with and without addresses overlap);
//     with another content the school is held back;
//   - a link to a pupil or a person who is in none of the files is counted, not refused;
//   - guardians without a file of pupils are refused: there is nobody to tell about;
//   - pupils without a file of guardians are taken.
func ReadFiles(ctx context.Context, found *intake.Found, opts Options) (*Export, []intake.Refusal, error) {
	r := &reading{ctx: ctx, opts: opts, out: &Export{Aside: map[string]int{}, heldBack: map[string]bool{}}, schools: map[string]*gathering{}}
	for _, refusal := range found.Refusals {
		r.out.all = true
		r.refusals = append(r.refusals, refusal)
	}
	read := 0
	for _, file := range found.Files {
		xml := strings.HasPrefix(file.Text(), "<") && !file.Grammar() || strings.HasSuffix(strings.ToLower(file.Path), ".xml")
		// Communs.xml and Geographique.xml are of every export, and have nothing for us.
		other := rootOf(file) != "" && kindOf(rootOf(file)) == 0
		if !file.Named && (!xml || other) {
			r.out.Ignored = append(r.out.Ignored, file.Path)
			continue
		}
		read++
		if err := r.file(file); err != nil {
			return nil, nil, err
		}
	}
	if read == 0 && len(r.refusals) == 0 {
		path := "."
		if len(r.out.Ignored) > 0 {
			path = filepath.Dir(r.out.Ignored[0])
		}
		r.out.all = true
		r.refusals = append(r.refusals, (&intake.Stop{Reason: whyNoSIECLE}).Refusal(path, opts.English))
	}
	for _, uai := range sortedKeys(r.schools) {
		r.whole(r.schools[uai])
		r.out.Schools = append(r.out.Schools, r.schools[uai].School)
	}
	slices.SortStableFunc(r.refusals, func(a, b intake.Refusal) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line)
	})
	if r.more > 0 {
		r.refusals = append(r.refusals, intake.Refusal{Reason: whyMore.Text(opts.English, r.more)})
	}
	return r.out, r.refusals, nil
}

func sortedKeys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// fileReader reads one file.
type fileReader struct {
	*intake.XML
	r      *reading
	number int32 // in Export.Files
	kind   kind
	line   int // of the record at hand
	values []string

	uai, year, exported string

	pupils   []Pupil
	people   []Person
	links    []Link
	inPlaces []Place
	groups   []Group
	mefs     int
	has      map[string]bool // the lists that the file has
	evidence evidence
	refusals []intake.Refusal
	asides   map[string]int
}

func (r *reading) file(source intake.File) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	f := &fileReader{r: r, number: int32(len(r.out.Files)), has: map[string]bool{}, asides: map[string]int{}}
	r.out.Files = append(r.out.Files, File{Path: source.Path})
	err := f.read(source)
	var stopped *intake.Stop
	switch {
	case errors.As(err, &stopped):
		// Nothing of the file is taken, and nothing beside it either.
		r.out.Files = r.out.Files[:f.number]
		r.out.all = true
		r.refusals = append(r.refusals, stopped.Refusal(source.Path, r.opts.English))
		return nil
	case err != nil:
		return err
	}
	f.keep()
	return nil
}

var goodUAI = regexp.MustCompile(`^[0-9][0-9AB][0-9]{5}[A-Z]$`)

func (f *fileReader) read(source intake.File) error {
	src, err := source.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	if f.XML, err = intake.NewXML(src, "BEE_…"); err != nil {
		return err
	}
	root, err := f.Root()
	if err != nil {
		return err
	}
	name := root.Name.Local
	if f.kind = kindOf(name); f.kind == 0 {
		return f.Stop(whyRoot, intake.Shorten(name))
	}
	file := &f.r.out.Files[f.number]
	file.Root = name
	for _, a := range root.Attr {
		if a.Name.Local == "VERSION" {
			file.Version = intake.Shorten(a.Value)
		}
	}
	if err := f.each(name, map[string]func(xml.StartElement) error{"PARAMETRES": f.parameters, "DONNEES": f.data}); err != nil {
		return err
	}
	line := f.Line
	if err := f.End(); err != nil {
		return err
	}
	f.Line = line
	file.Encoding, file.Bytes, file.UAI = f.Encoding, f.Bytes(), f.uai
	if list := map[kind]string{pupilsFile: "ELEVES", guardiansFile: "RESPONSABLES"}[f.kind]; list != "" && !f.has[list] {
		return f.Stop(whyNothing, list)
	}
	f.Line = 1
	if f.r.opts.UAI != "" && !goodUAI.MatchString(f.uai) {
		file.Said, f.uai = f.uai, strings.ToUpper(f.r.opts.UAI)
		file.UAI = f.uai
	}
	switch {
	case f.uai == "":
		return f.Stop(whyNoUAI)
	case !goodUAI.MatchString(f.uai):
		return f.Stop(whyUAI, intake.Shorten(f.uai))
	}
	return nil
}

// each reads the children of an element that are known, once each unless it is a list's
// record, and passes over the others.
func (f *fileReader) each(parent string, known map[string]func(xml.StartElement) error) error {
	for {
		tok, err := f.Element(parent)
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		read := known[start.Name.Local]
		if read == nil {
			if err := f.aside(parent, start.Name.Local); err != nil {
				return err
			}
			continue
		}
		if parent == "DONNEES" || start.Name.Local == "PARAMETRES" || start.Name.Local == "DONNEES" {
			if f.has[start.Name.Local] {
				return f.Stop(whyRepeated, start.Name.Local)
			}
			f.has[start.Name.Local] = true
		}
		if err := read(start); err != nil {
			return err
		}
	}
}

func (f *fileReader) parameters(start xml.StartElement) error {
	err := f.fields(start, 4, func(name string) int {
		switch name {
		case "UAJ":
			return 0
		case "ANNEE_SCOLAIRE":
			return 1
		case "DATE_EXPORT":
			return 2
		case "HORODATAGE":
			return 3
		}
		return -1
	})
	if err != nil {
		return err
	}
	f.uai, f.year = strings.ToUpper(f.values[0]), f.values[1]
	for _, written := range f.values[2:] {
		if day, ok := readDate(written); ok && f.exported == "" {
			f.exported = day
		}
	}
	return nil
}

// data reads DONNEES.
func (f *fileReader) data(xml.StartElement) error {
	list := func(name string, one func(xml.StartElement) error) func(xml.StartElement) error {
		return func(start xml.StartElement) error {
			return f.each(start.Name.Local, map[string]func(xml.StartElement) error{name: one})
		}
	}
	known := map[string]func(xml.StartElement) error{}
	switch f.kind {
	case pupilsFile:
		known["ELEVES"] = list("ELEVE", f.pupil)
		known["STRUCTURES"] = list("STRUCTURES_ELEVE", f.places)
	case guardiansFile:
		known["PERSONNES"] = list("PERSONNE", f.person)
		known["RESPONSABLES"] = list("RESPONSABLE_ELEVE", f.link)
	case structuresFile:
		known["DIVISIONS"] = list("DIVISION", func(s xml.StartElement) error { return f.group(s, "D") })
		known["GROUPES"] = list("GROUPE", func(s xml.StartElement) error { return f.group(s, "G") })
	case nomenclatureFile:
		known["MEFS"] = list("MEF", func(s xml.StartElement) error { f.mefs++; return f.Skip("MEF") })
	}
	return f.each("DONNEES", known)
}

// aside passes over an element and counts it.
func (f *fileReader) aside(parent, name string) error {
	f.note(parent + "/" + name)
	return f.Skip(name)
}

func (f *fileReader) note(what string) {
	if _, ok := f.asides[what]; ok || len(f.asides) < maxAside {
		f.asides[what]++
	} else {
		f.asides["…"]++
	}
}

// refuse tells what is wrong with the record at hand; the file goes on.
func (f *fileReader) refuse(why intake.Reason, args ...any) {
	if len(f.refusals) >= maxRefusals {
		f.r.more++
		return
	}
	f.refusals = append(f.refusals, intake.Refusal{File: f.r.out.Files[f.number].Path, Line: f.line, Reason: why.Text(f.r.opts.English, args...)})
}

// keep adds what a whole file gave to its school.
func (f *fileReader) keep() {
	r := f.r
	path := r.out.Files[f.number].Path
	g := r.schools[f.uai]
	if g == nil {
		g = &gathering{School: School{UAI: f.uai}, files: map[kind]string{}}
		r.schools[f.uai] = g
	}
	for name, n := range f.asides {
		if _, ok := r.out.Aside[name]; ok || len(r.out.Aside) < maxAside {
			r.out.Aside[name] += n
		}
	}
	switch {
	case g.Year == "":
		g.Year, g.yearOf = f.year, path
	case f.year != "" && f.year != g.Year:
		r.refuse(f.uai, intake.Refusal{File: path, Line: 1, Reason: whyTwoYears.Text(r.opts.English, f.uai, intake.Shorten(f.year), intake.Shorten(g.Year), g.yearOf)})
	}
	g.Date = max(g.Date, f.exported)
	g.files[f.kind] = path
	if f.kind == guardiansFile {
		is, err := f.dialect(f.exported, r.opts.Dialect)
		var stopped *intake.Stop
		switch {
		case errors.As(err, &stopped):
			r.out.all = true
			r.refusals = append(r.refusals, stopped.Refusal(path, r.opts.English))
			return
		case is != Unsaid && g.Dialect != Unsaid && is != g.Dialect:
			f.line = 1
			f.refuse(whyTwoDialects, f.evidence.legal, f.evidence.level)
		case is != Unsaid:
			g.Dialect = is
		}
		f.levels(is)
	}
	for _, refusal := range f.refusals {
		r.refuse(f.uai, refusal)
	}
	g.Pupils, g.People, g.Links = append(g.Pupils, f.pupils...), append(g.People, f.people...), append(g.Links, f.links...)
	g.Places, g.Groups, g.MEFs = append(g.Places, f.inPlaces...), append(g.Groups, f.groups...), g.MEFs+f.mefs
}

// refuse holds a school back.
func (r *reading) refuse(uai string, refusal intake.Refusal) {
	r.out.heldBack[uai] = true
	refusal.Schools = []string{uai}
	if len(r.refusals) >= maxRefusals {
		r.more++
		return
	}
	r.refusals = append(r.refusals, refusal)
}

// whole sorts what a school's files gave, each record once, and looks for what is missing
// among them.
func (r *reading) whole(g *gathering) {
	g.Pupils = once(r, g, g.Pupils, packed.key, whyDuplicate, pupilPhone, pupilMobile, pupilEmail)
	g.People = once(r, g, g.People, packed.key, whyDuplicate, personPhone, personMobile, personWork, personEmail)
	g.Links = once(r, g, g.Links, func(l packed) string {
		pupil, rest, _ := strings.Cut(l.text, between)
		person, _, _ := strings.Cut(rest, between)
		return pupil + between + person
	}, whyTwoLinks)
	slices.SortFunc(g.Places, func(a, b Place) int { return strings.Compare(a.text, b.text) })
	g.Places = slices.CompactFunc(g.Places, func(a, b Place) bool { return a.text == b.text })
	slices.SortFunc(g.Groups, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Code, b.Code), strings.Compare(a.Label, b.Label))
	})
	g.Groups = slices.CompactFunc(g.Groups, func(a, b Group) bool { return a.Kind == b.Kind && a.Code == b.Code })
	if g.files[pupilsFile] == "" {
		at := cmp.Or(g.files[guardiansFile], g.files[structuresFile], g.files[nomenclatureFile])
		r.refuse(g.UAI, intake.Refusal{File: at, Reason: whyNoPupils.Text(r.opts.English, g.UAI)})
		return
	}
	if len(g.Links) > 0 && !slices.ContainsFunc(g.Links, func(l Link) bool { return g.HasPupil(l.key()) }) {
		r.refuse(g.UAI, intake.Refusal{File: g.files[guardiansFile], Reason: whyStrangers.Text(r.opts.English, len(g.Links), g.UAI)})
	}
}

// once sorts records by their key and keeps each once; another record of the same key is
// refused, unless all that it lacks, or has besides, are these fields.
func once[T ~struct{ packed }](r *reading, g *gathering, all []T, key func(packed) string, why intake.Reason, optional ...int) []T {
	of := func(t T) packed { return struct{ packed }(t).packed }
	slices.SortFunc(all, func(x, y T) int {
		a, b := of(x), of(y)
		return cmp.Or(strings.Compare(key(a), key(b)), strings.Compare(a.text, b.text), int(a.file-b.file), int(a.line-b.line))
	})
	kept := all[:0]
	for _, next := range all {
		if len(kept) == 0 || key(of(kept[len(kept)-1])) != key(of(next)) {
			kept = append(kept, next)
			continue
		}
		a, b := of(kept[len(kept)-1]), of(next)
		if a.text == b.text {
			continue
		}
		if text, same := together(a.text, b.text, optional); same {
			a.text = text
			kept[len(kept)-1] = T(struct{ packed }{a})
			continue
		}
		if a.file > b.file || a.file == b.file && a.line > b.line {
			a, b = b, a
		}
		var args []any
		for _, part := range strings.Split(key(a), between) {
			args = append(args, intake.Shorten(part))
		}
		files := r.out.Files
		args = append(args, files[a.file].Path, int(a.line))
		r.refuse(g.UAI, intake.Refusal{File: files[b.file].Path, Line: int(b.line), Reason: why.Text(r.opts.English, args...)})
	}
	return kept
}

// together is one record of two that say the same, but for optional fields that one of
// them leaves empty: the file without addresses beside the one with them.
func together(a, b string, optional []int) (string, bool) {
	x, y := strings.Split(a, between), strings.Split(b, between)
	if len(x) != len(y) {
		return "", false
	}
	for i := range x {
		switch {
		case x[i] == y[i]:
		case !slices.Contains(optional, i) || x[i] != "" && y[i] != "":
			return "", false
		case x[i] == "":
			x[i] = y[i]
		}
	}
	return strings.Join(x, between), true
}
