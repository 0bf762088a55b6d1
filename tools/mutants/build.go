package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binary is the test binary of one package, with its mutants.
type binary struct {
	dir     string // of the package; tests run there
	program string
	mutants []mutant
}

// keep leaves the mutants in the files that only matches.
func (b *binary) keep(only *regexp.Regexp) {
	b.mutants = slices.DeleteFunc(b.mutants, func(m mutant) bool { return !only.MatchString(m.file) })
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// compile builds the test binary of a package below root, with all its mutants.
func compile(ctx context.Context, root, dir, scratch string) (*binary, error) {
	packages, err := list(ctx, root, dir)
	if err != nil {
		return nil, err
	}
	target := packages[len(packages)-1]
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	var names []string
	for _, name := range target.GoFiles {
		names = append(names, filepath.Join(target.Dir, name))
	}
	src, err := plant(root, target.ImportPath, names, func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	if err != nil {
		return nil, err
	}
	overlay, err := writeOverlay(src, scratch)
	if err != nil {
		return nil, err
	}
	b := &binary{dir: target.Dir, program: filepath.Join(scratch, "package.test"), mutants: src.mutants}
	_, err = output(ctx, root, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", b.program, "./"+dir)
	return b, err
}

// list names the dependencies of a package and, last, itself.
func list(ctx context.Context, root, dir string) ([]listed, error) {
	out, err := output(ctx, root, "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./"+dir)
	if err != nil {
		return nil, err
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("there is no package in %s", dir)
	}
	return packages, nil
}

func writeOverlay(src *source, scratch string) (string, error) {
	replace := map[string]string{}
	for name, text := range src.files {
		copied := filepath.Join(scratch, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			return "", err
		}
		replace[name] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(scratch, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, failed.Bytes(), out)
	}
	return out, nil
}
