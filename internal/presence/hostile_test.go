//go:build unix

package presence

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be another user's process: it measures a device until
// its input ends, and says what it has found.
func TestMain(m *testing.M) {
	if device := os.Getenv("PRESENCE_DEVICE"); device != "" {
		syscall.Umask(0o077)
		p := Enter(device)
		fmt.Println("measuring", p.Problem() == nil)
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Println(len(p.Leave()))
		return
	}
	os.Exit(m.Run())
}

// TestHostileFiles: all users can write to the directory. A pipe in it is not waited
// for, a link is not followed, and what a file is another name of is not touched.
func TestHostileFiles(t *testing.T) {
	long := time.Now().Add(-2 * time.Hour).Truncate(time.Second)
	victim := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "victim")
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Chtimes(path, long, long))
		return path
	}
	for _, pid := range []int{os.Getpid(), nobody} {
		for name, plant := range map[string]func(victim, path string) error{
			"pipe":      func(_, path string) error { return syscall.Mkfifo(path, 0o666) },
			"link":      os.Symlink,
			"hard link": os.Link,
			"dangling":  func(victim, path string) error { return os.Symlink(victim+"2", path) },
			"directory": func(_, path string) error { return os.Mkdir(path, 0o777) },
			"device":    func(_, path string) error { return os.Symlink("/dev/zero", path) },
		} {
			for _, suffix := range []string{"", ".01234567"} {
				t.Run(fmt.Sprintf("%s %d%s", name, pid, suffix), func(t *testing.T) {
					t.Setenv("TMPDIR", t.TempDir())
					Enter().Leave()
					target := victim(t)
					path := filepath.Join(sharedPath(), device+"."+strconv.Itoa(pid)+suffix)
					if err := plant(target, path); err != nil {
						t.Skip(err)
					}
					held.files[fileKey{sharedPath(), device}] = &file{fileKey: fileKey{sharedPath(), device}, name: filepath.Base(path)}
					p := Enter(device)
					require.Len(t, p.files, 1, "others see this one all the same")
					assert.Empty(t, p.Leave())
					info, err := os.Stat(target)
					require.NoError(t, err)
					assert.True(t, info.ModTime().Equal(long), "it was stamped")
					assert.Equal(t, os.FileMode(0o600), info.Mode())
					assert.NoFileExists(t, target+"2")
				})
			}
		}
	}
}

// TestHostileDirectory: what stands where the shared directory belongs is not used, and
// not changed. Processes of this user still find each other.
func TestHostileDirectory(t *testing.T) {
	for name, plant := range map[string]func(t *testing.T, victim, path string){
		"link":   func(t *testing.T, victim, path string) { require.NoError(t, os.Symlink(victim, path)) },
		"pipe":   func(t *testing.T, _, path string) { require.NoError(t, syscall.Mkfifo(path, 0o666)) },
		"file":   func(t *testing.T, _, path string) { require.NoError(t, os.WriteFile(path, nil, 0o666)) },
		"closed": func(t *testing.T, _, path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
		"not sticky": func(t *testing.T, _, path string) {
			require.NoError(t, os.Mkdir(path, 0))
			require.NoError(t, os.Chmod(path, 0o777))
		},
		"link to open": func(t *testing.T, victim, path string) {
			require.NoError(t, os.Chmod(victim, everybody))
			require.NoError(t, os.Symlink(victim, path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "cache"))
			t.Setenv("HOME", t.TempDir())
			victim := t.TempDir()
			plant(t, victim, sharedPath())
			before, err := os.Stat(victim)
			require.NoError(t, err)
			p := Enter(device)
			require.ErrorContains(t, p.Problem(), "other users that measure the same devices are not found: "+sharedPath())
			assert.Len(t, p.files, 1)
			after, err := os.Stat(victim)
			require.NoError(t, err)
			assert.Equal(t, before.Mode(), after.Mode())
			list, err := os.ReadDir(victim)
			require.NoError(t, err)
			assert.Empty(t, list)
			again := Enter(device)
			assert.Equal(t, p.dir.path, again.dir.path)
			again.Leave()
			assert.Empty(t, p.Leave())
		})
	}
}

// TestHostileTwoUsers find each other, whoever has made the directory, and under any umask.
func TestHostileTwoUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
	defer syscall.Umask(syscall.Umask(0o077))
	for _, theirs := range []bool{false, true} {
		t.Run(fmt.Sprintf("theirs=%v", theirs), func(t *testing.T) {
			tmp, err := os.MkdirTemp("", "presence")
			require.NoError(t, err)
			t.Cleanup(func() { os.RemoveAll(tmp) })
			require.NoError(t, os.Chmod(tmp, everybody))
			t.Setenv("TMPDIR", tmp)
			if !theirs {
				Enter().Leave()
			}
			self, err := os.Executable()
			require.NoError(t, err)
			binary, err := os.ReadFile(self)
			require.NoError(t, err)
			other := filepath.Join(tmp, "other")
			require.NoError(t, os.WriteFile(other, binary, 0o755))
			require.NoError(t, os.Chmod(other, 0o755))

			c := exec.Command(other)
			c.Dir, c.Env = tmp, []string{"TMPDIR=" + tmp, "PRESENCE_DEVICE=" + device}
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			in, err := c.StdinPipe()
			require.NoError(t, err)
			out, err := c.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			assert.Equal(t, "measuring true", lines.Text())
			p := Enter(device)
			require.NoError(t, p.Problem())
			assert.Equal(t, []Other{{device, strconv.Itoa(c.Process.Pid)}}, p.Leave())
			require.NoError(t, in.Close())
			require.True(t, lines.Scan())
			assert.Equal(t, "1", lines.Text(), "and the other finds this one")
			require.NoError(t, c.Wait())
		})
	}
}

// TestFileNames: a long device fits, and other names are no files of the device.
func TestFileNames(t *testing.T) {
	name := fileName("GPU-/" + string(make([]byte, 1000)))
	assert.Less(t, len(name), 255)
	process, is := processOf(name, "GPU-/"+string(make([]byte, 1000)))
	assert.True(t, is)
	assert.Equal(t, strconv.Itoa(os.Getpid()), process)
	for _, name := range []string{"", "GPU-5f01", "GPU-5f01.", "GPU-5f01.x", "GPU-5f01.12.x", "GPU-5f01.12345678901", "GPU-5f012.1", "GPU-5f01.1.01234567.2"} {
		_, is := processOf(name, device)
		assert.False(t, is, name)
	}
}
