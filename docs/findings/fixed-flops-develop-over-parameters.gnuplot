# gnuplot fixed-flops-develop-over-parameters.gnuplot   draws fixed-flops-develop-over-parameters.svg and fixed-flops-develop-over-parameters.png from fixed-flops-develop-over-parameters.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead outside right
set title 'Developing, known white balance, unknown noise'
set logscale x
set grid
set xrange [5:*] noextend
set xlabel 'thousand parameters; points but plain are moved apart'
set ylabel 'PSNR, dB (95 % intervals over seeds)'
plot 'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3):(substr(strcol('variant'),1,5) eq 'plain' ? column('psnr') : NaN):'psnr_interval' with yerrorlines lw 2 pt 7 ps 0.7 lc 'black' title 'plain, wider and wider', \
  'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3*1.025):(strcol('variant') eq 'hyper-constant' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 1 pt 5 ps 1 title 'hyper-constant', \
  'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3*1.051):(strcol('variant') eq 'hyper-layer' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 2 pt 6 ps 1 title 'hyper-layer', \
  'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3*1.077):(strcol('variant') eq 'hyper-image' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 3 pt 7 ps 1 title 'hyper-image', \
  'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3*1.104):(strcol('variant') eq 'squeeze-excitation' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 4 pt 8 ps 1 title 'squeeze-excitation', \
  'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3*1.131):(strcol('variant') eq 'film' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 5 pt 9 ps 1 title 'film', \
  'fixed-flops-develop-over-parameters.csv' using (column('parameters')/1e3*1.160):(strcol('variant') eq 'colour-affine' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 lc 6 pt 10 ps 1 title 'colour-affine'
set terminal svg size 900,600 dynamic background 'white'
set output 'fixed-flops-develop-over-parameters.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'fixed-flops-develop-over-parameters.png'
replot
