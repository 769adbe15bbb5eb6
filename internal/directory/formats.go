package directory

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/onde"
	"github.com/preau-ent/preau/internal/directory/internal/siecle"
	"github.com/preau-ent/preau/internal/directory/internal/sts"
)

// format is one way in which schools' directories are handed over.
type format struct {
	name      string
	recognise func(intake.File) bool // by what the file holds, never by its name
	read      func(context.Context, *intake.Found, Reading) (*Export, error)
}

// formats are those that Préau reads.
func formats() []format {
	return []format{
		{"aaf", aaf.Recognise, readAAF},
		{"siecle", siecle.Recognise, readSIECLE},
		{"onde", onde.Recognise, readONDE},
		{"oneroster", recogniseOneRoster, readOneRoster},
		{"sts", sts.Recognise, readSTS},
		{"plain", func(intake.File) bool { return false }, readPlain}, // nothing tells it: Map does
	}
}

// Formats names what ReadExport can be told to read, auto first.
func Formats() []string {
	out := []string{"auto"}
	for _, f := range formats() {
		out = append(out, f.name)
	}
	return out
}

// Reading is how files are to be read.
type Reading struct {
	Format  string // of Formats; empty: auto
	English bool   // reasons in English instead of French
	// Dialect settles what levels of responsibility mean where the files contradict
	// themselves or do not say: Before2018 or After2018. Where they do, it changes nothing.
	// And oneroster-1.1 or oneroster-1.2: a OneRoster export without a manifest is whole,
	// and of that version.
	Dialect string
	// Map says what the columns of a plain table are, "Nom=last,Prénom=first…"; given, the
	// format is plain. See plain.ParseMap.
	Map string
	// Columns is the mapping as fields and the columns that they are, instead of Map.
	Columns map[string]string
	Sheet   string // of a workbook with several, which to read
	Day     string // of the import, YYYY-MM-DD: what ended before has ended
	// UAI names the school, for formats whose files do not.
	UAI string
	// AllLegal: the school vouches that every guardian of the files is a legal
	// representative, for formats whose files do not say.
	AllLegal bool
}

// The two dialects of the ministry's levels: the digit 2 changed its meaning on 30 March
// 2018.
const (
	Before2018 = "before-2018"
	After2018  = "after-2018"
)

var (
	whySeveralFormats = intake.Why("plusieurs formats à la fois (%s) : donnez-les l'un après l'autre, ou dites lequel lire avec --format", "several formats at once (%s): give them one after the other, or say which to read with --format")
	whyNoFormat       = intake.Why("format non reconnu : donnez les fichiers d'un export, ou dites lequel avec --format (%s)", "format not recognised: give the files of an export, or say which with --format (%s)")
	whyTable          = intake.Why("ce tableau n'est d'aucun export connu : déposez-le dans la page « Import » et dites ce que sont ses colonnes, ou dites-le avec --map", "this table is of no known export: bring it on the page Import and say what its columns are, or say it with --map")
	whyRootElement    = intake.Why("élément racine « %s » : format non reconnu ; donnez les fichiers d'un export, ou dites lequel avec --format (%s)", "root element %q: format not recognised; give the files of an export, or say which with --format (%s)")
)

// ReadExport reads the files of one export: folders, zip archives or files. The error is
// a failure of the machine; what the files say wrong is in the report's Refused.
func ReadExport(ctx context.Context, paths []string, o Reading) (*Export, error) {
	found, err := intake.Find(paths, o.English)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all := formats()
	if (o.Map != "" || o.Columns != nil) && (o.Format == "" || o.Format == "auto") {
		o.Format = "plain"
	}
	if o.Format != "" && o.Format != "auto" {
		i := slices.IndexFunc(all, func(f format) bool { return f.name == o.Format })
		if i < 0 {
			return nil, fmt.Errorf("no format is called %q: there are %s", o.Format, strings.Join(Formats(), ", "))
		}
		// Whoever says the format leaves what is plainly another one aside.
		found.Files = slices.DeleteFunc(found.Files, func(f intake.File) bool {
			return !all[i].recognise(f) && slices.ContainsFunc(all, func(other format) bool { return other.recognise(f) })
		})
		return all[i].read(ctx, found, o)
	}
	var is []format
	example := map[string]string{}
	for _, file := range found.Files {
		for _, f := range all {
			if f.recognise(file) && example[f.name] == "" {
				is, example[f.name] = append(is, f), f.name+" : "+filepath.Base(file.Path)
			}
		}
	}
	switch len(is) {
	case 1:
		return is[0].read(ctx, found, o)
	case 0:
		return unknown(found, paths, o), nil
	}
	var names []string
	for _, f := range is {
		names = append(names, example[f.name])
	}
	e := &Export{format: "auto", refused: true, refusals: found.Refusals}
	why := &intake.Stop{Reason: whySeveralFormats, Args: []any{strings.Join(names, ", ")}}
	e.refusals = append(e.refusals, why.Refusal(paths[0], o.English))
	return e, nil
}

// unknown says of each file why it is of no format.
func unknown(found *intake.Found, paths []string, o Reading) *Export {
	e := &Export{format: "auto", refused: true, refusals: found.Refusals}
	names := strings.Join(Formats()[1:], ", ")
	for _, f := range found.Files {
		why := &intake.Stop{Reason: whyNoFormat, Args: []any{names}}
		if strings.HasPrefix(f.Text(), "<") || len(f.Head) == 0 {
			why = notOurs(f, names)
		} else if f.Parts != nil || len(f.FirstRow()) > 1 {
			why = &intake.Stop{Line: 1, Reason: whyTable}
		}
		if len(e.refusals) < 20 {
			e.refusals = append(e.refusals, why.Refusal(f.Path, o.English))
		}
	}
	if len(e.refusals) == 0 {
		why := &intake.Stop{Reason: whyNoFormat, Args: []any{names}}
		e.refusals = append(e.refusals, why.Refusal(paths[0], o.English))
	}
	return e
}

// notOurs finds what is wrong with an XML file that no format recognises.
func notOurs(f intake.File, names string) *intake.Stop {
	stopped := func(err error) *intake.Stop {
		if s, ok := err.(*intake.Stop); ok {
			return s
		}
		return &intake.Stop{Reason: whyNoFormat, Args: []any{names}}
	}
	r, err := f.Open()
	if err != nil {
		return stopped(err)
	}
	defer r.Close()
	x, err := intake.NewXML(r, "…")
	if err != nil {
		return stopped(err)
	}
	root, err := x.Root()
	if err != nil {
		return stopped(err)
	}
	return stopped(x.Stop(whyRootElement, intake.Shorten(root.Name.Local), names))
}
