package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/durable"
	"github.com/preau-ent/preau/internal/page"
)

// Limits of what is uploaded. A school's export has some MiB; a region's comes by the
// command.
const (
	maxUpload      = 64 << 20
	maxUploadFiles = 40
	maxWaiting     = 5 // of one school, or of the operators
	uploadKept     = 24 * time.Hour
)

var (
	errUploadNone   = page.Invalid("files", "directory.import.files.none")
	errUploadMany   = page.Invalid("files", "directory.import.files.many", "n", maxUploadFiles)
	errUploadBroken = errors.New("directory: an upload that is no form")
	errUploadsWait  = page.Conflict("directory.import.waiting.many", "n", maxWaiting)
)

// upload is what somebody brought and nobody decided about yet, in a folder of its own
// beside the data: its files, and this as upload.json. Nothing of it is in the database.
type upload struct {
	ID     string    `json:"id"`
	School string    `json:"school"` // of the viewer who brought it; empty: an operator
	By     string    `json:"by"`
	Name   string    `json:"name"` // of whoever brought it
	At     time.Time `json:"at"`
	Files  []brought `json:"files"`
	Digest string    `json:"digest"` // of the files
	How    how       `json:"how"`
	Result *result   `json:"result,omitempty"` // it was taken, and the files are gone
}

type brought struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// how is how its files are read, as the person said.
type how struct {
	Columns  map[string]string `json:"columns,omitempty"`
	Sheet    string            `json:"sheet,omitempty"`
	Dialect  string            `json:"dialect,omitempty"`
	UAI      string            `json:"uai,omitempty"`
	AllLegal bool              `json:"all_legal,omitempty"`
}

// result is what came of it.
type result struct {
	Schools, Pupils, MayBeTold, Changed int
	At                                  time.Time
}

// uploads is the folder of all of them.
type uploads string

func (u uploads) folder(id string) string { return filepath.Join(string(u), id) }

// fileFolder is the folder of the n-th file, so that two may have one name.
func (u uploads) fileFolder(id string, n int) string {
	return filepath.Join(u.folder(id), fmt.Sprintf("%02d", n))
}

func (u uploads) paths(one upload) []string {
	var out []string
	for n, f := range one.Files {
		out = append(out, filepath.Join(u.fileFolder(one.ID, n), f.Name))
	}
	return out
}

// receive streams the files of a form to the disk. Until all are there the folder has a
// name that nobody looks for.
func (u uploads) receive(parts *multipart.Reader, one upload) (upload, error) {
	one.ID = database.NewID()
	if err := os.MkdirAll(string(u), 0o700); err != nil {
		return one, err
	}
	coming := uploads(filepath.Join(string(u), ".coming"))
	if err := os.MkdirAll(coming.folder(one.ID), 0o700); err != nil {
		return one, err
	}
	err := coming.receiveInto(parts, &one)
	if err == nil {
		err = coming.write(one)
	}
	if err == nil {
		err = os.Rename(coming.folder(one.ID), u.folder(one.ID))
	}
	if err != nil {
		return one, errors.Join(err, os.RemoveAll(coming.folder(one.ID)))
	}
	return one, nil
}

func (u uploads) receiveInto(parts *multipart.Reader, one *upload) error {
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if _, large := errors.AsType[*http.MaxBytesError](err); err != nil && !large && !errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.Join(errUploadBroken, err)
		}
		if err != nil {
			return err
		}
		if part.FormName() != "files" || part.FileName() == "" {
			continue
		}
		if len(one.Files) == maxUploadFiles {
			return errUploadMany
		}
		n := len(one.Files)
		f := brought{Name: safeName(part.FileName())}
		if err := os.Mkdir(u.fileFolder(one.ID, n), 0o700); err != nil {
			return err
		}
		out, err := os.OpenFile(filepath.Join(u.fileFolder(one.ID, n), f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		f.Size, err = io.Copy(out, part)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errUploadBroken
		}
		if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
			return err
		}
		one.Files = append(one.Files, f)
	}
	if len(one.Files) == 0 {
		return errUploadNone
	}
	var err error
	one.Digest, err = u.digest(*one)
	return err
}

// safeName is a file's name without anything that could lead elsewhere.
func safeName(given string) string {
	given = given[strings.LastIndexAny(given, `/\`)+1:]
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._- ()", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(given, "_"))
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	if r := []rune(name); len(r) > 50 {
		name = string(r[:25]) + "…" + string(r[len(r)-20:])
	}
	if name == "" {
		return "_"
	}
	return name
}

// digest names what the files hold.
func (u uploads) digest(one upload) (string, error) {
	h := sha256.New()
	for n, path := range u.paths(one) {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%d %s\n", n, one.Files[n].Name)
		size, err := io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(h, "\n%d\n", size)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// write keeps what is known of an upload, whole or not at all.
func (u uploads) write(one upload) error {
	b, err := json.Marshal(one)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(u.folder(one.ID), "upload.json"), b, 0o600)
}

// load reads an upload of a school; ErrNotFound, also for another school's.
func (u uploads) load(id, school string) (upload, error) {
	var one upload
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || id == "" || len(id) > 40 {
		return one, ErrNotFound // no id of ours, and perhaps a path
	}
	b, err := os.ReadFile(filepath.Join(u.folder(id), "upload.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return one, ErrNotFound
	}
	if err != nil {
		return one, err
	}
	if err := json.Unmarshal(b, &one); err != nil {
		return one, fmt.Errorf("upload %s: %w", id, err)
	}
	if one.School != school || one.ID != id {
		return one, ErrNotFound
	}
	return one, nil
}

// remove forgets an upload and its files.
func (u uploads) remove(id string) error { return os.RemoveAll(u.folder(id)) }

// taken keeps what came of an upload, and removes its files.
func (u uploads) taken(one upload, r result) error {
	one.Result = &r
	if err := u.write(one); err != nil {
		return err
	}
	var errs []error
	for n := range one.Files {
		errs = append(errs, os.RemoveAll(u.fileFolder(one.ID, n)))
	}
	return errors.Join(errs...)
}

// of lists the uploads of a school, the last first, and forgets those, of whatever
// school, that nobody decided about in a day.
func (u uploads) of(school string, now time.Time) ([]upload, error) {
	var out []upload
	entries, err := os.ReadDir(string(u))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if coming, err := os.ReadDir(filepath.Join(string(u), ".coming")); err == nil {
		for _, e := range coming {
			if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > uploadKept {
				_ = os.RemoveAll(filepath.Join(string(u), ".coming", e.Name())) // the next look tries again
			}
		}
	}
	for _, e := range entries {
		id := e.Name()
		b, err := os.ReadFile(filepath.Join(u.folder(id), "upload.json"))
		if err != nil {
			continue // what is coming, or just gone
		}
		var one upload
		if json.Unmarshal(b, &one) != nil || one.ID != id {
			continue
		}
		if age := now.Sub(one.At); age > uploadKept || age < -uploadKept {
			if err := u.remove(id); err != nil {
				return nil, err
			}
			continue
		}
		if one.School == school {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b upload) int { return b.At.Compare(a.At) })
	return out, nil
}
