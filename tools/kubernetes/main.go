// Command kubernetes combines the programs that the tests need in one: etcd, kube-apiserver and
// kube-controller-manager of one release, and a Lua interpreter for the health checks of Argo CD.
package main

import (
	"fmt"
	"os"
	_ "unsafe" // for go:linkname

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	componentversion "k8s.io/component-base/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// version is that of k8s.io/kubernetes in go.mod.
const version = "1.36.3"

// gitVersion is the version that Kubernetes reports; its own build sets it with linker flags.
//
//go:linkname gitVersion k8s.io/component-base/version.gitVersion
var gitVersion string

func init() {
	gitVersion = "v" + version
	if err := componentversion.SetDynamicVersion(gitVersion); err != nil {
		panic(err)
	}
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	args := os.Args[min(2, len(os.Args)):]
	// Clients of Kubernetes derive their name, also as field managers, from os.Args[0].
	switch name {
	case "etcd":
		etcdmain.Main(append([]string{"etcd"}, args...))
	case "apiserver":
		os.Args[0] = "kube-apiserver"
		command := apiserver.NewAPIServerCommand()
		command.SetArgs(args)
		os.Exit(cli.Run(command))
	case "controller-manager":
		os.Args[0] = "kube-controller-manager"
		command := controllermanager.NewControllerManagerCommand()
		command.SetArgs(args)
		os.Exit(cli.Run(command))
	case "lua-health":
		os.Exit(luaHealth(args))
	case "--version":
		fmt.Println("kubernetes", version)
	default:
		fmt.Fprintln(os.Stderr, "usage: kubernetes etcd|apiserver|controller-manager|lua-health …")
		os.Exit(2)
	}
}
