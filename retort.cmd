@echo off
rem Builds Retort when its sources changed since the last build, then runs it.
setlocal
set "root=%~dp0"
set "dll=%root%artifacts\bin\Retort.Cli\release\retort.dll"
set "stamp=%root%artifacts\.built"
where dotnet >nul 2>nul
if errorlevel 1 (
  echo retort: needs .NET 10; install its SDK from https://dot.net or put dotnet on PATH.>&2
  exit /b 2
)
if not exist "%dll%" goto build
if not exist "%stamp%" goto build
powershell -NoProfile -ExecutionPolicy Bypass -Command "$t = (Get-Item -Force $env:stamp).LastWriteTimeUtc; $r = $env:root; if (@(Get-Item ($r + '*.props'), ($r + 'Retort.slnx'), ($r + 'global.json'), ($r + 'src'), ($r + 'samples'), ($r + 'terms')) + @(Get-ChildItem -Recurse ($r + 'src'), ($r + 'samples'), ($r + 'terms')) | Where-Object { $_.LastWriteTimeUtc -gt $t } | Select-Object -First 1) { exit 1 }"
if not errorlevel 1 goto run
:build
if not exist "%root%artifacts" mkdir "%root%artifacts"
pushd "%root%"
dotnet --version >nul 2>nul
if errorlevel 1 (
  popd
  echo retort: building needs the .NET SDK 10.0.100 or later; install it from https://dot.net.>&2
  exit /b 2
)
echo retort: building...>&2
type nul > "%stamp%.next"
dotnet build src\Retort.Cli -c Release -v quiet -nologo -nodeReuse:false -clp:NoSummary 1>&2
if errorlevel 1 (
  popd
  echo retort: the build failed.>&2
  exit /b 2
)
popd
move /y "%stamp%.next" "%stamp%" >nul
:run
dotnet "%dll%" %*
exit /b %errorlevel%
