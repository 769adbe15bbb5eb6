package aaf

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Options of Read.
type Options struct {
	English bool // reasons in English instead of French
	// Dialect of files that do not tell it, or tell two; "" where they do. Files that tell
	// another one are refused.
	Dialect Dialect
}

// Read reads the files of one full export, and of the deltas since: each path is a folder (its XML files, not
// its subfolders) or a file. It finds out what each holds by what it says, never by
// its name, and reads to the end whatever it can, so that one run lists every refusal.
//
// The refusals come sorted by file and line. An error is a failure of the machine (a
// disk, a cancelled context), never of what the files say; then the export is nil.
//
// Some decisions that the format leaves open:
//   - the same identifier twice with the same content counts once (exports overlap);
//     with another content neither record is taken;
//   - a link whose guardian is in none of the files is kept and marked Unresolved;
//   - a pupil of a school without an EtabEducNat record is refused, once per school;
//   - a pupil without a school is refused and holds nobody back;
//   - staff and classes may name schools that are not in the export: they do, in fact.
func Read(ctx context.Context, paths []string, opts Options) (*Export, []Refusal, error) {
	found, err := intake.Find(paths, opts.English)
	if err != nil {
		return nil, nil, err
	}
	defer found.Close()
	return ReadFiles(ctx, found, opts)
}

// ReadFiles reads the files that were found.
func ReadFiles(ctx context.Context, found *intake.Found, opts Options) (*Export, []Refusal, error) {
	r := newReading(ctx, opts)
	sources, ignored := r.sources(found)
	var full, deltas []source
	for _, s := range sources {
		err := r.readFile(s.File, int32(len(r.files)))
		switch {
		case errors.Is(err, errDelta):
			deltas = append(deltas, s)
		case err != nil:
			return nil, nil, err
		default:
			full = append(full, s)
		}
	}
	if len(deltas) > 0 {
		return readDelta(ctx, found, opts, full, deltas, ignored)
	}
	return r.finish(ignored)
}

func newReading(ctx context.Context, opts Options) *reading {
	return &reading{
		ctx: ctx, english: opts.English, seed: maphash.MakeSeed(), asked: opts.Dialect,
		signs:        make(map[Dialect]evidence),
		schools:      make(map[string]*School),
		pupils:       make(map[string]*Pupil),
		staff:        make(map[string]*Staff),
		guardians:    make(map[string]*Guardian),
		wanted:       make(map[string]struct{}),
		seen:         make(map[uint64]mark),
		badGuardians: make(map[string][]int),
		heldBack:     make(map[string]bool),
		words:        make(map[string]string),
		labels:       make(map[Place]string),
	}
}

// readDelta reads a full export once more, now that it is known which files change it.
func readDelta(ctx context.Context, found *intake.Found, opts Options, full, deltas []source, ignored []string) (*Export, []Refusal, error) {
	r := newReading(ctx, opts)
	r.patches = make(map[recordKey]*patch)
	r.sources(found) // for what it refuses
	if err := r.readDeltas(deltas); err != nil {
		return nil, nil, err
	}
	for _, s := range full {
		if err := r.readFile(s.File, int32(len(r.files))); err != nil {
			return nil, nil, err
		}
	}
	if err := r.add(); err != nil {
		return nil, nil, err
	}
	return r.finish(ignored)
}

func (r *reading) finish(ignored []string) (*Export, []Refusal, error) {
	if err := r.readMissed(); err != nil {
		return nil, nil, err
	}
	export := r.export()
	export.Ignored = ignored
	return export, r.sortedRefusals(), nil
}

// reading is the state of one Read.
type reading struct {
	ctx     context.Context
	english bool
	seed    maphash.Seed
	asked   Dialect
	signs   map[Dialect]evidence // the first of each

	files     []File
	from      []intake.File // where each is read
	schools   map[string]*School
	pupils    map[string]*Pupil
	staff     map[string]*Staff
	guardians map[string]*Guardian // those wanted

	wanted map[string]struct{} // the guardians that links name
	seen   map[uint64]mark     // every identifier of the export, by its hash
	missed map[string]struct{} // on the second pass: the only guardians to take

	refusals     []Refusal
	more         int              // refusals of records beyond maxRefusals
	badGuardians map[string][]int // guardians refused, with the places of their refusals
	heldBack     map[string]bool
	allHeldBack  bool

	patches map[recordKey]*patch // what deltas change; nil: none was given
	inDelta bool                 // the file at hand is one

	words  map[string]string // values that repeat, kept once
	labels map[Place]string  // of the classes and groups of the first degree
}

// mark is what stays of a record that is not kept: enough to notice another one with
// the same identifier. The hashes have 64 bits and a seed of this run, so that nobody
// can make two of them meet.
type mark struct {
	content uint64
	file    int32
	line    int32
	kind    kind
	bad     bool
}

// readFile reads one file. A file that stops gives nothing and holds back everybody.
func (r *reading) readFile(source intake.File, number int32) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	path := source.Path
	r.files, r.from = append(r.files, File{Path: path}), append(r.from, source)
	f := &fileReader{r: r, file: File{Path: path}, delta: r.inDelta}
	err := f.open(source)
	var stopped *intake.Stop
	switch {
	case errors.Is(err, errDelta):
		r.forget(path, number)
		return err
	case err == nil:
		r.files[number] = f.file
		return nil
	case !errors.As(err, &stopped):
		return err
	}
	r.stopFile(path, stopped)
	r.forget(path, number)
	return nil
}

func (f *fileReader) open(source intake.File) error {
	src, err := source.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	return f.read(src)
}

func (r *reading) stopFile(path string, s *intake.Stop) {
	r.allHeldBack = true
	r.refusals = append(r.refusals, s.Refusal(path, r.english))
}

// forget takes back what a file gave before it stopped.
func (r *reading) forget(path string, number int32) {
	r.files[number].Path = ""
	for key, m := range r.seen {
		if m.file == number {
			delete(r.seen, key)
		}
	}
	for key, s := range r.schools {
		if s.File == path {
			delete(r.schools, key)
		}
	}
	for key, p := range r.pupils {
		if p.File == path {
			delete(r.pupils, key)
		}
	}
	for key, s := range r.staff {
		if s.File == path {
			delete(r.staff, key)
		}
	}
	for key, g := range r.guardians {
		if g.File == path {
			delete(r.guardians, key)
		}
	}
}

// readMissed reads again, for them alone, guardians that were passed over because the
// pupil who names them came later. With files of one kind each, as the ministry's are,
// this never happens: guardians are read last.
func (r *reading) readMissed() error {
	missed := make(map[string]struct{})
	inFile := make(map[int32]struct{})
	for key := range r.wanted {
		if _, kept := r.guardians[key]; kept {
			continue
		}
		if m, ok := r.seen[r.hash(kindGuardian, key)]; ok && m.kind == kindGuardian && !m.bad {
			missed[key] = struct{}{}
			inFile[m.file] = struct{}{}
		}
	}
	if len(missed) == 0 {
		return nil
	}
	r.missed = missed
	for number := range inFile {
		f := &fileReader{r: r, file: File{Path: r.files[number].Path}}
		if err := f.open(r.from[number]); err != nil {
			return fmt.Errorf("reading %s again: %w", f.file.Path, err)
		}
	}
	for key := range missed {
		if _, found := r.guardians[key]; !found {
			return fmt.Errorf("guardian %s was there on the first reading and is not on the second: the files change", key)
		}
	}
	return nil
}

func (r *reading) hash(k kind, id string) uint64 {
	return maphash.Comparable(r.seed, struct {
		kind kind
		id   string
	}{k, id})
}

// useful tells which attributes of a record are worth keeping: of a guardian whom no
// link names yet, only the identifier, which is compared.
func (r *reading) useful(rec *record) func(string) bool {
	switch rec.kind {
	case kindSchool:
		return usefulOfSchool
	case kindPupil:
		return usefulOfPupil
	case kindStaff:
		return usefulOfStaff
	case kindGuardian:
		if r.inDelta {
			return usefulOfGuardian
		}
		if _, wanted := r.wanted[rec.id]; wanted {
			return usefulOfGuardian
		}
		return usefulForID
	}
	return usefulForNothing
}

// sortedRefusals gives the refusals by file and line.
func (r *reading) sortedRefusals() []Refusal {
	slices.SortStableFunc(r.refusals, func(a, b Refusal) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	if r.more > 0 {
		r.refusals = append(r.refusals, Refusal{Reason: whyMore.Text(r.english, r.more)})
	}
	return r.refusals
}

// word keeps a value that many records share once.
func (r *reading) word(s string) string {
	if kept, ok := r.words[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	r.words[s] = s
	return s
}
