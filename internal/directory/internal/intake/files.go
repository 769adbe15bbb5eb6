package intake

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of what is opened. A region's export has some hundred files; XML of this kind
// shrinks about thirty times.
const (
	maxFiles    = 2_000
	maxExpanded = 8 << 30 // bytes of one archive
	maxRatio    = 200     // of an archive's size to what it unpacks to…
	freeRatio   = 4 << 20 // …unless that is no more than this
	headSize    = 4096
	maxNested   = 4 // folders that hold nothing but a folder
)

// File is one file of an export, on the disk or in a zip archive.
type File struct {
	Path  string // "folder/export.zip/Eleves.xml" in an archive
	Named bool   // the person gave this very path
	Head  []byte // its first bytes, as they stand, to recognise it by
	Size  int64
	Parts map[string]File // of a workbook, by their name in it; nil: it is none
	open  func() (io.ReadCloser, error)
}

// Open opens the file. What is wrong with it, and not with the machine, is a *Stop; so
// it is of what is read.
func (f File) Open() (io.ReadCloser, error) { return f.open() }

// Text is the head without a byte order mark and leading blanks.
func (f File) Text() string {
	return strings.TrimLeft(string(bytes.TrimPrefix(f.Head, bomUTF8)), " \t\r\n")
}

// Found is what was found where the person pointed.
type Found struct {
	Files    []File // by path
	Refusals []Refusal
	archives []*zip.ReadCloser
}

// Close closes the archives.
func (f *Found) Close() error {
	var errs []error
	for _, a := range f.archives {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}

// Find lists the files of paths: each is a folder (its files, not its subfolders, but that
// one where it holds nothing else), a zip archive or a file. An archive in a folder is opened too, one in an archive is refused.
// The error is a failure of the machine.
func Find(paths []string, english bool) (*Found, error) {
	f := &finding{english: english}
	for _, path := range paths {
		if err := f.path(path); err != nil {
			f.Close()
			return nil, err
		}
	}
	slices.SortFunc(f.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return &f.Found, nil
}

type finding struct {
	Found
	english bool
	known   []os.FileInfo
	full    bool
}

func (f *finding) refuse(path string, why Reason, args ...any) {
	f.Refusals = append(f.Refusals, (&Stop{Reason: why, Args: args}).Refusal(path, f.english))
}

func (f *finding) path(path string) error {
	info, err := os.Stat(path)
	if why, refused := pathReason(err); refused {
		f.refuse(path, why)
		return nil
	}
	switch {
	case err != nil:
		return err
	case info.IsDir():
		before := len(f.Files) + len(f.Refusals)
		if err := f.folder(path); err != nil {
			return err
		}
		if len(f.Files)+len(f.Refusals) == before {
			f.refuse(path, whyNoFile)
		}
		return nil
	case !info.Mode().IsRegular():
		f.refuse(path, whyNotAFile)
		return nil
	}
	return f.file(path, info, true)
}

// folder adds the files of a folder; hidden ones are no part of an export. Whoever unpacks
// an archive often finds a folder in a folder: where there is nothing else, that one is
// meant.
func (f *finding) folder(path string) error {
	for range maxNested {
		inner, err := onlyFolder(path)
		if err != nil || inner == "" {
			return errors.Join(err, f.filesOf(path))
		}
		path = inner
	}
	return f.filesOf(path)
}

// onlyFolder is the folder in a folder that holds nothing else; "": there is none.
func onlyFolder(path string) (string, error) {
	entries, err := os.ReadDir(path)
	if _, refused := pathReason(err); refused {
		return "", nil // told by whoever reads the files
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return litter(e.Name()) })
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return "", err
	}
	return filepath.Join(path, entries[0].Name()), nil
}

func (f *finding) filesOf(path string) error {
	entries, err := os.ReadDir(path)
	if why, refused := pathReason(err); refused {
		f.refuse(path, why)
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if litter(e.Name()) {
			continue
		}
		full := filepath.Join(path, e.Name())
		info, err := os.Stat(full)
		if errors.Is(err, os.ErrNotExist) {
			continue // a link that leads nowhere, or a file that has just gone
		}
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			if err := f.file(full, info, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// litter is what systems leave in folders: hidden files, and those that Windows and macOS
// hide from people.
func litter(name string) bool {
	switch strings.ToLower(name) {
	case "thumbs.db", "desktop.ini", "__macosx":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// add keeps a file, unless there are too many.
func (f *finding) add(file File, from string) {
	if len(f.Files) < maxFiles {
		f.Files = append(f.Files, file)
	} else if !f.full {
		f.full = true
		f.refuse(from, whyManyFiles, maxFiles)
	}
}

func (f *finding) file(path string, info os.FileInfo, named bool) error {
	for _, k := range f.known {
		if os.SameFile(k, info) {
			return nil
		}
	}
	f.known = append(f.known, info)
	file := File{Path: path, Named: named, Size: info.Size(), open: func() (io.ReadCloser, error) {
		r, err := os.Open(path)
		if why, refused := pathReason(err); refused {
			return nil, &Stop{Reason: why}
		}
		return r, err
	}}
	var err error
	file.Head, err = head(file)
	var stopped *Stop
	switch {
	case errors.As(err, &stopped):
		f.Refusals = append(f.Refusals, stopped.Refusal(path, f.english))
		return nil
	case err != nil:
		return err
	case bytes.HasPrefix(file.Head, []byte("PK\x03\x04")) || bytes.HasPrefix(file.Head, []byte("PK\x05\x06")):
		return f.archive(path, named)
	case bytes.HasPrefix(file.Head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		f.refuse(path, whyOldOffice)
		return nil
	case isArchive(file.Head):
		f.refuse(path, whyArchive)
		return nil
	}
	f.add(file, path)
	return nil
}

// isArchive knows what people pack files with: zip, gzip, 7z, rar, bzip2, xz, tar.
func isArchive(head []byte) bool {
	for _, magic := range []string{"PK\x03\x04", "PK\x05\x06", "\x1F\x8B", "7z\xBC\xAF", "Rar!", "BZh", "\xFD7zXZ"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	const tar = 257 // where it says what it is
	return len(head) > tar && bytes.HasPrefix(head[tar:], []byte("ustar"))
}

// archive adds the files of a zip archive. It is judged by what it declares before
// anything is unpacked; each file is held to that while it is read.
func (f *finding) archive(path string, named bool) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			return err
		}
		f.refuse(path, whyBadZip)
		return nil
	}
	f.archives = append(f.archives, z)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if len(z.File) > maxFiles {
		f.refuse(path, whyZipEntries, maxFiles)
		return nil
	}
	var total uint64
	names := make(map[string]bool)
	for _, e := range z.File {
		total += min(e.UncompressedSize64, maxExpanded+1)
		switch name := Shorten(e.Name); {
		case total > maxExpanded:
			f.refuse(path, whyZipSize, maxExpanded>>20)
			return nil
		case total > freeRatio && total > maxRatio*uint64(info.Size()):
			f.refuse(path, whyZipRatio, maxRatio)
			return nil
		case names[e.Name]:
			f.refuse(path, whyZipTwice, name)
			return nil
		case e.Flags&1 != 0:
			f.refuse(path, whyZipSecret, name)
			return nil
		}
		names[e.Name] = true
	}
	if names["[Content_Types].xml"] {
		// A workbook is an archive too: it is one file, and its reader opens it.
		f.workbook(path, info, named, z.File)
		return nil
	}
	if names["mimetype"] && names["content.xml"] {
		f.refuse(path, whyOpenDocument)
		return nil
	}
	for _, e := range z.File {
		name := filepath.ToSlash(e.Name)
		if e.Mode().IsDir() || strings.HasSuffix(name, "/") || strings.HasPrefix(name, "__MACOSX/") || litter(name[strings.LastIndexByte(name, '/')+1:]) {
			continue
		}
		file := File{Path: path + "/" + Shorten(name), Size: int64(e.UncompressedSize64), open: func() (io.ReadCloser, error) { return unpack(e) }}
		file.Head, err = head(file)
		var stopped *Stop
		switch {
		case errors.As(err, &stopped):
			f.Refusals = append(f.Refusals, stopped.Refusal(path, f.english))
		case err != nil:
			return err
		case isArchive(file.Head):
			f.refuse(path, whyNested, Shorten(name))
		default:
			f.add(file, path)
		}
	}
	return nil
}

// workbook adds an archive as one file, whose parts its reader opens.
func (f *finding) workbook(path string, info os.FileInfo, named bool, entries []*zip.File) {
	file := File{Path: path, Named: named, Size: info.Size(), Parts: map[string]File{}, open: func() (io.ReadCloser, error) { return os.Open(path) }}
	for _, e := range entries {
		// Its names are compared without regard to capitals.
		file.Parts[strings.ToLower(e.Name)] = File{Path: path + "/" + Shorten(e.Name), Size: int64(e.UncompressedSize64), open: func() (io.ReadCloser, error) { return unpack(e) }}
	}
	file.Head = []byte("PK\x03\x04[Content_Types].xml")
	f.add(file, path)
}

// unpack reads one file of an archive, and not a byte more than it declares.
func unpack(e *zip.File) (io.ReadCloser, error) {
	r, err := e.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, &Stop{Reason: whyZipMethod, Args: []any{Shorten(e.Name)}}
	}
	if err != nil {
		return nil, zipStop(err)
	}
	return &unpacking{ReadCloser: r, name: e.Name, left: int64(e.UncompressedSize64)}, nil
}

type unpacking struct {
	io.ReadCloser
	name string
	left int64
}

func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if u.left -= int64(n); u.left < 0 {
		return 0, &Stop{Reason: whyZipLies, Args: []any{Shorten(u.name)}}
	}
	return n, zipStop(err)
}

// zipStop tells what is wrong with an archive from what is wrong with the machine.
func zipStop(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		return &Stop{Reason: whyBadZip}
	}
	return err
}

func head(f File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	buf := make([]byte, headSize)
	n, err := io.ReadFull(r, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return bytes.Clone(buf[:n]), err
}

// pathReason turns what is wrong with a path, as opposed to the machine, into a reason.
func pathReason(err error) (Reason, bool) {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return whyMissing, true
	case errors.Is(err, os.ErrPermission):
		return whyForbidden, true
	}
	return Reason{}, false
}

// Grammar says whether a file holds a grammar of XML, a DTD or a schema: those lie
// beside exports and say nothing of anybody.
func (f File) Grammar() bool {
	text := f.Text()
	for _, begins := range []string{"<!ELEMENT", "<!ATTLIST", "<!ENTITY"} {
		if strings.HasPrefix(text, begins) {
			return true
		}
	}
	return strings.HasPrefix(text, "<") && (strings.Contains(text, "<xs:schema") || strings.Contains(text, "<xsd:schema"))
}
