package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Key reads a secret of n bytes from a file of hexadecimal digits that nobody but its owner
// may read, and makes the file when there is none: whole under another name first, so that
// nobody ever reads half a key, and two programs started together end up with the same one.
func Key(path string, n int) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path, n)
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others than its owner: chmod 600 %s", path, path)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) < n {
		return nil, fmt.Errorf("%s does not hold %d bytes as hexadecimal digits: remove it, and a new one is made", path, n)
	}
	return key, nil
}

func makeKey(path string, n int) ([]byte, error) {
	key := make([]byte, n)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return Key(path, n)
	} else if err != nil {
		return nil, err
	}
	return key, nil
}
