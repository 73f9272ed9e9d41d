/** What the shells load: each hands the words typed so far to `minidock __complete` and shows what comes back. */
export const SHELLS: Readonly<Record<string, string>> = {
  bash: `# bash completion for minidock
_minidock() {
  local words=() word prefix='' IFS
  # Bash takes "image:tag" and "--flag=value" apart.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [ "\${#words[@]}" -gt 0 ] && { [[ $word == [:=]* ]] || [[ \${words[-1]} == *[:=] ]]; }; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  word=\${words[-1]}
  [[ $word == *[:=]* ]] && prefix=\${word%"\${word##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    COMPREPLY+=("\${word#"$prefix"}")
  done < <(minidock __complete "\${words[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _minidock minidock
`,
  zsh: `#compdef minidock
# zsh completion for minidock
_minidock() {
  local line
  local -a found
  for line in "\${(@f)$(minidock __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe minidock found; else _files; fi
}
if [ "$funcstack[1]" = _minidock ]; then _minidock "$@"; else compdef _minidock minidock; fi
`,
  fish: `# fish completion for minidock
function __minidock_complete
  set -l words (commandline -opc) (commandline -ct)
  minidock __complete $words[2..-1] 2>/dev/null
end
complete -c minidock -a '(__minidock_complete)'
`,
};
