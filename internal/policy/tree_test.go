package policy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/gatehouse-api/gatehouse"

// source is one Go file.
type source struct {
	path  string // slash-separated, from the root
	dir   string // "." for the root
	test  bool
	lines int
	file  *ast.File
	fset  *token.FileSet
}

// at is the place of a node, for a message.
func (s *source) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(p).Line)
}

// main tells whether the file belongs to a program.
func (s *source) main() bool { return s.file.Name.Name == "main" }

// imports maps the name a file uses to the path it imports.
func (s *source) imports() map[string]string {
	names := map[string]string{}
	for _, i := range s.file.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		names[importName(i, p)] = p
	}
	return names
}

func importName(i *ast.ImportSpec, p string) string {
	if i.Name != nil {
		return i.Name.Name
	}
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p))
	}
	return base
}

// tree is the project as files.
type tree struct {
	fsys    fs.FS
	sources []*source
	files   []string // every file, Go or not
}

// walkTree reads all files below the root, except what git keeps to itself,
// what .gitignore names, and modules of their own.
func walkTree(fsys fs.FS) (*tree, error) {
	t := &tree{fsys: fsys}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped(fsys, name) {
				return fs.SkipDir
			}
			return nil
		}
		t.files = append(t.files, name)
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			return nil
		}
		return t.parse(name)
	})
	return t, err
}

func skipped(fsys fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	if slices.Contains([]string{".git", "bin", "gatehouse-data"}, path.Base(dir)) {
		return true
	}
	_, err := fs.Stat(fsys, dir+"/go.mod")
	return err == nil
}

func (t *tree) parse(name string) error {
	data, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.sources = append(t.sources, &source{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		lines: strings.Count(string(data), "\n"), file: f, fset: fset,
	})
	return nil
}

// has tells whether a file or a folder exists.
func (t *tree) has(name string) bool {
	_, err := fs.Stat(t.fsys, name)
	return err == nil
}

// text is a file's content, "" when it is not there.
func (t *tree) text(name string) string {
	data, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return ""
	}
	return string(data)
}

// dirs are the folders that hold Go files other than tests, sorted.
func (t *tree) dirs() []string {
	var dirs []string
	for _, s := range t.sources {
		if !s.test && !slices.Contains(dirs, s.dir) {
			dirs = append(dirs, s.dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// in are the Go files of one folder.
func (t *tree) in(dir string) []*source {
	var in []*source
	for _, s := range t.sources {
		if s.dir == dir {
			in = append(in, s)
		}
	}
	return in
}

// root is the folder of go.mod above the test's own.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}

// functions calls f for every function with a body.
func (s *source) functions(f func(*ast.FuncDecl)) {
	for _, d := range s.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			f(fn)
		}
	}
}
